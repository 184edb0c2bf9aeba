//! A client that keeps its side of the protocol over any number of connections: it acknowledges what it gets, sends
//! again what was not acknowledged, and takes a QoS 2 message once.

use std::collections::{BTreeMap, VecDeque};

use crate::client::{Client, World, ack, connect_50, connect_311, packet, publish_50, publish_311, text};

/// A client and what it must remember between connections.
pub(crate) struct Dutiful {
    client_id: &'static str,
    /// Receive Maximum of one that speaks 5.0.
    receive_maximum: Option<u8>,
    connection: Option<Client>,
    has_session: bool,
    inbox: VecDeque<Vec<u8>>,
    /// Published with QoS 1 or 2 and not finished, oldest first.
    unfinished: Vec<Unfinished>,
    /// QoS 2 messages taken and not released: packet identifier and payload.
    unreleased: BTreeMap<u16, Vec<u8>>,
    /// All that was taken, in order.
    pub(crate) taken: Vec<Message>,
    /// Every retained message that reached the broker and was new to it, with the number of the input.
    pub(crate) retained: Vec<(u64, &'static str, Vec<u8>)>,
}

struct Unfinished {
    id: u16,
    flags: u8,
    topic: &'static str,
    payload: Vec<u8>,
    was_sent: bool,
    /// The broker has had it.
    arrived: bool,
    /// PUBREC came: PUBREL is what is sent again.
    received: bool,
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) qos: u8,
    pub(crate) retain: bool,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
}

const DUP: u8 = 0b1000;

impl Dutiful {
    /// One that speaks 3.1.1, or 5.0 with this Receive Maximum; its session is kept.
    pub(crate) fn new(client_id: &'static str, receive_maximum: Option<u8>) -> Self {
        Self {
            client_id,
            receive_maximum,
            connection: None,
            has_session: false,
            inbox: VecDeque::new(),
            unfinished: Vec::new(),
            unreleased: BTreeMap::new(),
            taken: Vec::new(),
            retained: Vec::new(),
        }
    }

    /// Connects, unless it is, and sends again what is unfinished.
    #[track_caller]
    pub(crate) fn connect(&mut self, world: &mut World) {
        if self.connection.is_some() {
            return;
        }
        let client = world.open();
        self.connection = Some(client);
        let connect = match self.receive_maximum {
            None => connect_311(self.client_id, false, 0),
            // Session Expiry Interval one hour
            Some(maximum) => {
                connect_50(self.client_id, false, 0, &[0x11, 0, 0, 0x0E, 0x10, 0x21, 0, maximum])
            }
        };
        world.send(client, &connect);
        let sent = world.take_sent(client);
        let connack = sent.first().expect("a CONNACK");
        let present = u8::from(self.has_session);
        assert_eq!(connack.get(2..4), Some(&[present, 0][..]), "{}: {connack:02x?}", self.client_id);
        self.has_session = true;
        self.inbox.extend(sent.into_iter().skip(1));
        for at in 0..self.unfinished.len() {
            self.send_unfinished(at, world);
        }
    }

    fn send_unfinished(&mut self, at: usize, world: &mut World) {
        let (Some(client), Some(message)) = (self.connection, self.unfinished.get_mut(at)) else { return };
        let bytes = if message.received {
            ack(0x62, message.id)
        } else {
            let flags = message.flags | if message.was_sent { DUP } else { 0 };
            // A QoS 2 message that the broker has had is not new to it; one of QoS 1 is, whatever DUP says.
            if message.flags & 1 != 0 && !(message.arrived && message.flags & 0b100 != 0) {
                self.retained.push((world.inputs, message.topic, message.payload.clone()));
            }
            (message.was_sent, message.arrived) = (true, true);
            match self.receive_maximum {
                None => publish_311(flags, message.topic, message.id, &message.payload),
                Some(_) => publish_50(flags, message.topic, message.id, &[], &message.payload),
            }
        };
        world.send(client, &bytes);
    }

    /// Subscribes with this QoS.
    pub(crate) fn subscribe(&mut self, world: &mut World, filter: &str, qos: u8) {
        let client = self.connection.expect("it is connected");
        let no_properties: &[u8] = if self.receive_maximum.is_some() { &[0] } else { &[] };
        world.send(client, &packet(0x82, &[&[0x70, 1], no_properties, &text(filter), &[qos]]));
    }

    /// Publishes, at once or when it is connected again. With `arrives` unset the connection breaks before.
    pub(crate) fn publish(
        &mut self,
        world: &mut World,
        flags: u8,
        topic: &'static str,
        payload: &[u8],
        arrives: bool,
    ) {
        let qos = flags >> 1;
        // Used again as soon as may be.
        let is_free = |id: &u16| self.unfinished.iter().all(|message| message.id != *id);
        let message = Unfinished {
            id: (1..u16::MAX).find(is_free).expect("few are in use"),
            flags,
            topic,
            payload: payload.to_vec(),
            was_sent: !arrives && self.connection.is_some(),
            arrived: false,
            received: false,
        };
        if !arrives {
            self.cut(world);
        }
        self.unfinished.push(message);
        self.send_unfinished(self.unfinished.len() - 1, world);
        if qos == 0 {
            self.unfinished.pop();
        }
    }

    /// Handles the next packet that it was sent. Whether there was one.
    #[track_caller]
    pub(crate) fn step(&mut self, world: &mut World) -> bool {
        let Some(client) = self.connection else { return false };
        self.inbox.extend(world.take_sent(client));
        assert!(!world.is_closed(client), "{} was cut off", self.client_id);
        self.handle_next(client, world)
    }

    fn handle_next(&mut self, client: Client, world: &mut World) -> bool {
        let Some(packet) = self.inbox.pop_front() else { return false };
        let first_byte = packet.first().copied().expect("a packet");
        if first_byte >> 4 == 3 {
            self.on_publish(client, &packet, world);
            return true;
        }
        let id = packet.get(2..4).map_or(0, |id| id.iter().fold(0, |id, byte| id << 8 | u16::from(*byte)));
        match first_byte {
            0x40 | 0x70 => self.unfinished.retain(|message| message.id != id),
            0x50 => {
                for message in self.unfinished.iter_mut().filter(|message| message.id == id) {
                    message.received = true;
                }
                world.send(client, &ack(0x62, id));
            }
            0x62 => {
                self.unreleased.remove(&id);
                world.send(client, &ack(0x70, id));
            }
            0x90 => {}
            _ => panic!("{} got {packet:02x?}", self.client_id),
        }
        true
    }

    fn on_publish(&mut self, client: Client, packet: &[u8], world: &mut World) {
        let flags = packet.first().copied().unwrap_or_default();
        let (dup, qos, retain) = (flags & DUP != 0, flags >> 1 & 3, flags & 1 != 0);
        let length = usize::from(packet.get(3).copied().unwrap_or_default());
        let topic = String::from_utf8_lossy(packet.get(4..4 + length).expect("a topic")).into_owned();
        let mut rest = packet.get(4 + length..).expect("a body");
        let mut id = 0;
        if qos > 0 {
            let (bytes, behind) = rest.split_first_chunk::<2>().expect("a packet identifier");
            (id, rest) = (u16::from_be_bytes(*bytes), behind);
        }
        if self.receive_maximum.is_some() {
            let (properties, behind) = rest.split_first().expect("a length of properties");
            assert_eq!(*properties, 0, "nothing here has properties");
            rest = behind;
        }
        let message = Message { qos, retain, topic, payload: rest.to_vec() };
        match self.unreleased.get(&id).filter(|_| qos == 2) {
            Some(before) => {
                assert!(
                    dup,
                    "{}: packet identifier {id} is in use and stands for another message",
                    self.client_id
                );
                assert_eq!(*before, message.payload, "{}: sent again as another message", self.client_id);
            }
            None => self.taken.push(message),
        }
        match qos {
            0 => {}
            1 => world.send(client, &ack(0x40, id)),
            _ => {
                self.unreleased.insert(id, rest.to_vec());
                world.send(client, &ack(0x50, id));
            }
        }
    }

    /// Handles the next packet that it was sent, and its answer is lost with the connection.
    pub(crate) fn step_in_vain(&mut self, world: &mut World) {
        if let Some(client) = self.connection {
            self.inbox.extend(world.take_sent(client));
            world.cut(client);
            self.handle_next(client, world);
        }
        self.lose();
    }

    /// Its connection breaks; what it was sent and did not handle is lost.
    pub(crate) fn cut(&mut self, world: &mut World) {
        if let Some(client) = self.connection.take() {
            world.cut(client);
        }
        self.inbox.clear();
    }

    /// The broker is gone, and the connection with it.
    pub(crate) fn lose(&mut self) {
        self.connection = None;
        self.inbox.clear();
    }

    /// Whether all that it published is finished.
    pub(crate) fn is_done(&self) -> bool {
        self.unfinished.is_empty()
    }
}
