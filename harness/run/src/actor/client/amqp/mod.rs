//! An AMQP client's duties: the handshake, its topology again after a cut, confirms, and what it says to deliveries.

mod duties;

use std::collections::{BTreeMap, VecDeque};

use mqspec_wire::{Draft, Packet, Spec, Value, shape};

use super::Move;
use super::request::{field, flag, number, set};
use super::topology::Topology;

/// Class and method of basic.publish, as a channel.close names what it is about.
const BASIC_PUBLISH: (Option<i128>, Option<i128>) = (Some(60), Some(40));

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away,
    /// Between the protocol header and `connection.open-ok`.
    Asking,
    /// Open; some channels may not be.
    Up,
}

/// What to say to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Ack,
    Reject,
    Requeue,
    Hold,
}

/// A channel of this connection.
#[derive(Debug, Default)]
struct Channel {
    open: bool,
    confirming: bool,
    published: i128,
    /// Publishes that are not confirmed, by their number.
    unconfirmed: BTreeMap<i128, Draft>,
}

/// The client's side of AMQP.
#[derive(Debug)]
pub(super) struct Amqp {
    connect: Draft,
    wanted: bool,
    phase: Phase,
    channels: BTreeMap<i128, Channel>,
    /// What is done again on every connection before anything else.
    topology: Topology,
    /// That, as far as it is still to be done, and publishes to repeat behind it.
    first: VecDeque<Draft>,
    /// What is asked for and not begun.
    queue: VecDeque<Draft>,
    /// A synchronous method without its answer.
    call: Option<Draft>,
    /// What to say to deliveries, over and over, and whose turn it is.
    answers: Vec<Answer>,
    turn: usize,
    frame_max: i128,
    closing: bool,
}

impl Amqp {
    pub(super) fn new(connect: Draft) -> Self {
        let answers = answers(&connect);
        Self {
            connect,
            wanted: false,
            phase: Phase::Away,
            channels: BTreeMap::new(),
            topology: Topology::default(),
            first: VecDeque::new(),
            queue: VecDeque::new(),
            call: None,
            answers,
            turn: 0,
            frame_max: 0,
            closing: false,
        }
    }

    fn text(&self, name: &str) -> Value {
        field(&self.connect, name).cloned().unwrap_or_else(|| Value::text(""))
    }

    /// The response of PLAIN: NUL, user, NUL, password (RFC 4616).
    fn start_ok(&self) -> Draft {
        let mut response = Vec::new();
        for key in ["user", "password"] {
            response.push(0);
            response.extend(self.text(key).as_bytes().map(|bytes| bytes.to_vec()).unwrap_or_default());
        }
        Draft::new("connection.start-ok")
            .with("channel", 0)
            .with("mechanism", "PLAIN")
            .with("response", Value::Bytes(response.into()))
            .with("locale", "en_US")
    }

    fn on_tune(&mut self, tune: &Packet, moves: &mut Vec<Move>) {
        let agreed = |name: &str| {
            field(&self.connect, name).and_then(Value::as_integer).or_else(|| tune.integer(name)).unwrap_or(0)
        };
        let (channel_max, frame_max) = (agreed("channel_max"), agreed("frame_max"));
        self.frame_max = frame_max;
        let tune_ok = Draft::new("connection.tune-ok")
            .with("channel", 0)
            .with("channel_max", channel_max)
            .with("frame_max", frame_max)
            .with("heartbeat", number(&self.connect, "heartbeat"));
        let open = Draft::new("connection.open").with("channel", 0).with("virtual_host", self.text("vhost"));
        moves.extend([Move::Send(tune_ok), Move::Send(open)]);
    }

    fn on_open_ok(&mut self, moves: &mut Vec<Move>) {
        self.phase = Phase::Up;
        let unconfirmed: Vec<Draft> = std::mem::take(&mut self.channels)
            .into_values()
            .flat_map(|channel| channel.unconfirmed.into_values())
            .collect();
        let channels = match field(&self.connect, "channels") {
            Some(Value::List(channels)) => channels.iter().filter_map(Value::as_integer).collect(),
            _ => vec![1],
        };
        for channel in channels {
            self.channels.insert(channel, Channel::default());
            moves.push(Move::Send(Draft::new("channel.open").with("channel", channel)));
        }
        self.first = self.topology.all().chain(unconfirmed).collect();
    }

    /// A channel is open again, after an error of its own: what belongs to it is done again.
    fn on_channel_open(&mut self, number: i128) {
        if let Some(channel) = self.channels.get_mut(&number) {
            channel.open = true;
        }
    }

    fn on_channel_close(&mut self, close: &Packet, number: i128, moves: &mut Vec<Move>) {
        moves.push(Move::Send(Draft::new("channel.close-ok").with("channel", number)));
        if let Some(call) = self.call.take_if(|call| request_channel(call) == number) {
            // What the broker refuses once it will refuse again.
            self.topology.forget(&call);
        }
        let Some(mut old) = self.channels.insert(number, Channel::default()) else { return };
        if (close.integer("class_id"), close.integer("method_id")) == BASIC_PUBLISH {
            // One of these is what the broker refuses, and nobody can tell which: they are given up, or the channel
            // would be closed for it over and over.
            old.unconfirmed.clear();
        }
        let again = self.topology.of_channel(number).chain(old.unconfirmed.into_values());
        self.first.extend(again.collect::<Vec<_>>());
        moves.push(Move::Send(Draft::new("channel.open").with("channel", number)));
    }

    /// What to say to a delivery: the next answer of the plan, and yes to one that comes again.
    fn on_delivery(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        let (Some(tag), Some(channel)) = (packet.integer("delivery_tag"), packet.integer("channel")) else {
            return;
        };
        let answer = if packet.bool("redelivered") == Some(true) {
            Answer::Ack
        } else {
            self.turn += 1;
            self.answers.get((self.turn - 1) % self.answers.len().max(1)).copied().unwrap_or(Answer::Ack)
        };
        let draft = match answer {
            Answer::Hold => return,
            Answer::Ack => Draft::new("basic.ack"),
            Answer::Reject => Draft::new("basic.reject").with("requeue", false),
            Answer::Requeue => Draft::new("basic.nack").with("requeue", true),
        };
        moves.push(Move::Send(draft.with("channel", channel).with("delivery_tag", tag)));
    }

    fn on_confirm(&mut self, packet: &Packet) {
        let (Some(tag), Some(channel)) = (packet.integer("delivery_tag"), packet.integer("channel")) else {
            return;
        };
        let Some(channel) = self.channels.get_mut(&channel) else { return };
        if packet.bool("multiple") == Some(true) {
            channel.unconfirmed.retain(|number, _| *number > tag);
        } else {
            channel.unconfirmed.remove(&tag);
        }
    }

    /// Whether the packet answers the method that we wait for.
    fn answers_call(&self, packet: &Packet) -> bool {
        self.call.as_ref().is_some_and(|call| {
            packet.integer("channel") == Some(request_channel(call))
                && shape(Spec::Amqp091, &call.name).is_some_and(|shape| shape.replies.contains(&packet.name))
        })
    }

    /// A consumer without acknowledgements is none that we answer.
    fn wants_answers(&self, packet: &Packet) -> bool {
        let tag = packet.get("consumer_tag");
        packet.name == "basic.deliver"
            && !self
                .topology
                .consumers()
                .any(|consume| field(consume, "consumer_tag") == tag && flag(consume, "no_ack"))
    }

    /// Whether the broker has been asked to take back what it delivered on a channel: what still comes before its
    /// answer is taken back, too, and its delivery tag means nothing any more.
    fn recovers(&self, channel: i128) -> bool {
        self.call
            .as_ref()
            .is_some_and(|call| call.name == "basic.recover" && request_channel(call) == channel)
    }

    /// Sends a request; `false`: its channel is not open yet.
    fn send(&mut self, request: &Draft, moves: &mut Vec<Move>) -> bool {
        let number = request_channel(request);
        let Some(channel) = self.channels.get_mut(&number).filter(|channel| channel.open) else {
            return false;
        };
        match &*request.name {
            "basic.publish" => {
                if channel.confirming {
                    channel.published += 1;
                    channel.unconfirmed.insert(channel.published, request.clone());
                }
                moves.push(Move::Send(set(request.clone(), "frame_max", self.frame_max)));
                return true;
            }
            "confirm.select" => channel.confirming = true,
            _ => {}
        }
        self.topology.note(request);
        let waits = shape(Spec::Amqp091, &request.name).is_some_and(|shape| !shape.replies.is_empty());
        if waits && !flag(request, "no_wait") {
            self.call = Some(request.clone());
        }
        moves.push(Move::Send(request.clone()));
        true
    }

    /// Begins what is asked for; `false`: it must wait, with everything behind it.
    fn begin(&mut self, request: &Draft, moves: &mut Vec<Move>) -> bool {
        match &*request.name {
            "connect" => {
                self.connect = request.clone();
                self.answers = answers(request);
                self.wanted = true;
                return true;
            }
            "connection.close" if !self.wanted => return true,
            _ => self.wanted = true,
        }
        if self.phase != Phase::Up || self.call.is_some() || !self.first.is_empty() {
            return false;
        }
        if request.name == "connection.close" {
            self.closing = true;
            self.wanted = false;
            let close = Draft::new("connection.close").with("channel", 0).with("reply_code", 200);
            moves.push(Move::Send(close.with("reply_text", "bye")));
            return true;
        }
        self.send(request, moves)
    }
}

/// The channel that a request travels on.
fn request_channel(request: &Draft) -> i128 {
    number(request, "channel")
}

/// What the plan wants said to deliveries.
fn answers(connect: &Draft) -> Vec<Answer> {
    let Some(Value::List(words)) = field(connect, "answers") else { return vec![Answer::Ack] };
    let answer = |word: &Value| match word.as_text() {
        Some("reject") => Answer::Reject,
        Some("requeue") => Answer::Requeue,
        Some("hold") => Answer::Hold,
        _ => Answer::Ack,
    };
    words.iter().map(answer).collect()
}
