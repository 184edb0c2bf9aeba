//! One connection as a mutant sees it: both directions cut into packets, and what is held back.

use bytes::Bytes;
use mqspec_broker_core::Protocol;
use mqspec_wire::{Decoder, Packet, Side, Spec};

use super::content::Contents;
use super::memory::Past;
use super::rewrite::Outcome;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    protocol: Protocol,
    /// Known once the client has spoken.
    streams: Option<Streams>,
    /// The latest whole packet from the client.
    pub(super) latest: Option<Packet>,
    /// What it has been through.
    pub(super) past: Past,
    /// Packets that wait for the next one to go out before them.
    pub(super) held: Vec<Outcome>,
    /// Methods that wait for the frames of their content.
    pub(super) contents: Contents,
    /// How often each rewrite has fitted.
    pub(super) fitted: Vec<u64>,
    /// Bytes that the network was given and the broker knows nothing of, less those that the broker sent
    /// and the network was not given.
    surplus: i128,
}

#[derive(Debug)]
struct Streams {
    spec: Spec,
    from_client: Decoder,
    from_broker: Decoder,
}

impl Streams {
    fn new(spec: Spec) -> Self {
        Self {
            spec,
            from_client: Decoder::new(spec, Side::Client),
            from_broker: Decoder::new(spec, Side::Server),
        }
    }
}

impl Connection {
    pub(super) fn new(protocol: Protocol, rewrites: usize) -> Self {
        Self {
            protocol,
            streams: None,
            latest: None,
            past: Past::default(),
            held: Vec::new(),
            contents: Contents::default(),
            fitted: vec![0; rewrites],
            surplus: 0,
        }
    }

    /// What it speaks, once that is known.
    pub(super) fn spec(&self) -> Option<Spec> {
        self.streams.as_ref().map(|streams| streams.spec)
    }

    /// Whether it speaks `spec`, or its first bytes say so.
    pub(super) fn may_speak(&mut self, spec: Spec, bytes: &[u8]) -> bool {
        self.streams(bytes, spec).spec == spec
    }

    fn streams(&mut self, bytes: &[u8], default: Spec) -> &mut Streams {
        let protocol = self.protocol;
        self.streams.get_or_insert_with(|| Streams::new(spoken(protocol, bytes, default)))
    }

    /// Takes bytes from the client; gives the packets that they complete, each with how many of these bytes
    /// belong to it.
    pub(super) fn received(&mut self, bytes: &[u8], default: Spec) -> Vec<(Packet, usize)> {
        let decoder = &mut self.streams(bytes, default).from_client;
        let mut before = decoder.rest().len();
        decoder.push(bytes);
        let mut packets = Vec::new();
        while let Some(packet) = decoder.next_packet() {
            let length = packet.raw.len().saturating_sub(before);
            before = 0;
            packets.push((packet, length));
        }
        packets
    }

    /// Takes bytes that the broker sends; gives its packets.
    pub(super) fn sent(&mut self, bytes: &Bytes, default: Spec) -> Vec<Packet> {
        let decoder = &mut self.streams(&[], default).from_broker;
        decoder.push(bytes);
        std::iter::from_fn(|| decoder.next_packet()).collect()
    }

    /// The broker believes that so many bytes go out.
    pub(super) fn was_to_send(&mut self, length: usize) {
        self.surplus -= i128::try_from(length).unwrap_or(i128::MAX);
    }

    /// So many bytes do go out.
    pub(super) fn sends(&mut self, length: usize) {
        self.surplus += i128::try_from(length).unwrap_or(i128::MAX);
    }

    /// The bytes that the broker waits for in vain; from now on it does not.
    pub(super) fn kept_back(&mut self) -> Option<usize> {
        let kept = usize::try_from(-self.surplus).ok().filter(|kept| *kept > 0)?;
        self.surplus = 0;
        Some(kept)
    }

    /// The network has taken so many bytes; gives how many the broker knows of.
    pub(super) fn taken(&mut self, bytes: usize) -> usize {
        let unknown = usize::try_from(self.surplus.max(0)).unwrap_or(usize::MAX).min(bytes);
        self.surplus -= i128::try_from(unknown).unwrap_or(i128::MAX);
        bytes - unknown
    }
}

/// What a client speaks, by its first bytes: the protocol level of an MQTT CONNECT (section 3.1.2.2).
fn spoken(protocol: Protocol, bytes: &[u8], default: Spec) -> Spec {
    match protocol {
        Protocol::Amqp => Spec::Amqp091,
        Protocol::Mqtt => {
            let name = b"\x00\x04MQTT";
            let at = bytes.windows(name.len()).position(|window| window == name);
            match at.and_then(|at| bytes.get(at + name.len())) {
                Some(4) => Spec::Mqtt311,
                Some(5) => Spec::Mqtt50,
                _ => default,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &[u8] = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00";

    #[test]
    fn the_first_packet_says_what_is_spoken() {
        let mut connection = Connection::new(Protocol::Mqtt, 0);
        assert_eq!(connection.spec(), None);
        assert!(!connection.may_speak(Spec::Mqtt50, CONNECT));
        assert_eq!(connection.spec(), Some(Spec::Mqtt311));
    }

    #[test]
    fn packets_know_which_of_the_bytes_are_theirs() {
        let mut connection = Connection::new(Protocol::Mqtt, 0);
        assert!(connection.received(CONNECT.get(..9).expect("it is longer"), Spec::Mqtt311).is_empty());
        let rest = [CONNECT.get(9..).expect("it is longer"), b"\xc0\x00\xc0"].concat();
        let packets = connection.received(&rest, Spec::Mqtt311);
        let lengths: Vec<_> = packets.iter().map(|(packet, length)| (packet.name, *length)).collect();
        assert_eq!(lengths, [("connect", 5), ("pingreq", 2)]);
    }

    #[test]
    fn the_broker_hears_of_its_own_bytes_only() {
        let mut connection = Connection::new(Protocol::Mqtt, 0);
        connection.was_to_send(4);
        assert_eq!(connection.kept_back(), Some(4), "a packet was dropped");
        connection.was_to_send(4);
        connection.sends(10);
        assert_eq!(connection.kept_back(), None);
        assert_eq!(connection.taken(7), 1, "six bytes were never the broker's");
        assert_eq!(connection.taken(3), 3);
    }
}
