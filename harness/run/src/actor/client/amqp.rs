//! An AMQP client's duties: the handshake, its topology again after a cut, confirms, and what it says to deliveries.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use mqspec_conformance::plan::Ending;
use mqspec_wire::{Draft, Packet, Spec, Value, shape};

use super::request::{field, flag, number, set};
use super::topology::Topology;
use super::{Duties, Move, Outstanding};

/// Class and method of basic.publish, as a channel.close names what it is about.
const BASIC_PUBLISH: (Option<i128>, Option<i128>) = (Some(60), Some(40));
/// The reply code with which a broker goes down; it is about nothing that the client did.
const CONNECTION_FORCED: i128 = 320;

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

impl Duties for Amqp {
    fn ask(&mut self, request: Draft) {
        self.queue.push_back(request);
    }

    fn wants_connection(&self) -> bool {
        self.wanted
    }

    fn on_open(&mut self, moves: &mut Vec<Move>) {
        self.phase = Phase::Asking;
        moves.push(Move::Send(Draft::new("protocol-header")));
    }

    fn on_end(&mut self) {
        self.phase = Phase::Away;
        self.closing = false;
        self.first.clear();
        // Whether it was done nobody knows; what belongs to the topology is done again.
        self.call = None;
    }

    fn on_packet(&mut self, packet: &Packet, moves: &mut Vec<Move>) {
        let channel = packet.integer("channel").unwrap_or(0);
        if self.answers_call(packet) {
            self.call = None;
        }
        match packet.name {
            "connection.start" => moves.push(Move::Send(self.start_ok())),
            "connection.tune" => self.on_tune(packet, moves),
            "connection.open-ok" => self.on_open_ok(moves),
            "connection.close" => {
                if let Some(call) = self.call.take() {
                    self.topology.forget(&call);
                }
                if packet.integer("reply_code") != Some(CONNECTION_FORCED) {
                    self.channels.values_mut().for_each(|channel| channel.unconfirmed.clear());
                }
                moves.push(Move::Send(Draft::new("connection.close-ok").with("channel", 0)));
            }
            "connection.close-ok" => moves.push(Move::Close(Ending::Fin)),
            "channel.open-ok" => self.on_channel_open(channel),
            "channel.close" => self.on_channel_close(packet, channel, moves),
            "channel.flow" => {
                let active = packet.bool("active").unwrap_or(true);
                let answer = Draft::new("channel.flow-ok").with("channel", channel).with("active", active);
                moves.push(Move::Send(answer));
            }
            "basic.deliver" | "basic.get-ok" if self.recovers(channel) => {}
            "basic.deliver" if self.wants_answers(packet) => self.on_delivery(packet, moves),
            "basic.get-ok" => self.on_delivery(packet, moves),
            "basic.ack" | "basic.nack" => self.on_confirm(packet),
            _ => {}
        }
    }

    fn proceed(&mut self, moves: &mut Vec<Move>) {
        while self.phase == Phase::Up && !self.closing && self.call.is_none() {
            let Some(request) = self.first.pop_front() else { break };
            if !self.send(&request, moves) {
                self.first.push_front(request);
                return;
            }
        }
        while !self.closing
            && let Some(request) = self.queue.pop_front()
        {
            if !self.begin(&request, moves) {
                self.queue.push_front(request);
                return;
            }
        }
    }

    fn longest_silence(&self) -> Option<Duration> {
        let seconds = u64::try_from(number(&self.connect, "heartbeat")).unwrap_or(0);
        (self.phase == Phase::Up && seconds > 0).then(|| Duration::from_millis(seconds * 500))
    }

    fn on_silence(&mut self, moves: &mut Vec<Move>) {
        moves.push(Move::Send(Draft::new("heartbeat").with("channel", 0)));
    }

    fn is_connected(&self) -> bool {
        self.phase == Phase::Up
    }

    fn outstanding(&self) -> Vec<Outstanding> {
        let mut outstanding = Vec::new();
        let mut add = |answer, about: String| outstanding.push(Outstanding { answer, about });
        let waiting = self.queue.len() + self.first.len();
        if waiting > 0 {
            add("turn", format!("for {waiting} requests"));
        }
        match (self.wanted, self.phase) {
            (false, Phase::Away) => return outstanding,
            (true, Phase::Away) => add("connection", String::from("to the broker")),
            (_, Phase::Asking) => add("connection.open-ok", String::from("for the login")),
            (_, Phase::Up) => {}
        }
        if self.closing {
            add("connection.close-ok", String::from("for the farewell"));
        }
        for (number, channel) in &self.channels {
            if !channel.open {
                add("channel.open-ok", format!("for channel {number}"));
            }
            for tag in channel.unconfirmed.keys() {
                add("confirm", format!("for publish {tag} on channel {number}"));
            }
        }
        if let Some(call) = &self.call {
            let reply = shape(Spec::Amqp091, &call.name).and_then(|shape| shape.replies.first());
            add(reply.copied().unwrap_or("turn"), format!("for {}", call.name));
        }
        outstanding
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
