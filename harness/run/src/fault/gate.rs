//! Where whole packets pass, or do not: carries out what `packet`'s rules decide.
//!
//! A gate stands in one way of one connection. It says what is to be done with each packet; who asked does
//! it, and writes it down. A method of AMQP that carries content is one packet with its header and body
//! where it is duplicated or overtaken.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use mqspec_conformance::plan::PacketFault;
use mqspec_conformance::trace::Fate;
use mqspec_wire::{Decoder, Packet, Side, Spec};

use super::{Layer, Way};

/// How long a packet waits for those that are to overtake it.
pub const LONGEST_HOLD: Duration = Duration::from_secs(1);

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// This packet arrives.
    Arrive(Packet, Fate),
    /// This packet does not.
    Vanish(Packet, Fate),
    /// Only so many bytes of this packet do.
    Part(Packet, usize),
    /// Nothing passes for so long.
    Pause(Duration),
    /// The connection ends.
    End,
    /// Ask [`Gate::overdue`] for this number after [`LONGEST_HOLD`].
    Remind(u64),
}

/// One way of one connection.
pub struct Gate {
    layer: Rc<Layer>,
    way: Way,
    spec: Spec,
    /// Channels whose content is not complete, with the bytes that are missing where the header was there.
    contents: BTreeMap<i128, Option<i128>>,
    /// Packets that wait to be overtaken.
    held: VecDeque<Held>,
    /// A content that is being copied.
    copying: Option<(i128, Vec<Packet>)>,
    next_hold: u64,
}

#[derive(Debug)]
struct Held {
    number: u64,
    channel: i128,
    packets: Vec<Packet>,
    /// All frames of its content are here.
    is_whole: bool,
    /// How many are still to overtake it.
    behind: u32,
}

/// A frame's place in its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// All there is of it: any packet without content, or the content's last frame.
    Last,
    /// More frames follow on the channel.
    More,
}

impl Gate {
    /// A gate of a new connection.
    pub fn new(layer: Rc<Layer>, way: Way, spec: Spec) -> Self {
        Self {
            layer,
            way,
            spec,
            contents: BTreeMap::new(),
            held: VecDeque::new(),
            copying: None,
            next_hold: 0,
        }
    }

    /// Whether packets just pass: nothing lies in wait for any.
    pub fn is_wide_open(&self) -> bool {
        self.layer.spares_packets() && self.held.is_empty() && self.copying.is_none()
    }

    /// What becomes of a packet.
    pub fn enter(&mut self, packet: Packet) -> Vec<Deed> {
        let channel = packet.integer("channel").unwrap_or(0);
        let place = self.place(channel, &packet);
        let mut deeds = Vec::new();
        if let Some(held) = self.held.iter_mut().find(|held| held.channel == channel && !held.is_whole) {
            held.packets.push(packet.clone());
            held.is_whole = place == Place::Last;
            deeds.push(Deed::Vanish(packet, Fate::Reordered));
            return deeds;
        }
        if self.copying.as_ref().is_some_and(|(copied, _)| *copied == channel) {
            self.copy(packet, place, &mut deeds);
            return deeds;
        }
        match self.layer.fate(self.way, &packet) {
            None => self.pass(packet, Fate::Passed, place, &mut deeds),
            Some(PacketFault::LostThenCut) => self.cut(Deed::Vanish(packet, Fate::Lost), &mut deeds),
            Some(PacketFault::CutAfter { bytes }) => {
                self.cut(Deed::Part(packet, bytes.as_size()), &mut deeds);
            }
            Some(PacketFault::DeliveredThenCut) => self.cut(Deed::Arrive(packet, Fate::Passed), &mut deeds),
            Some(PacketFault::Duplicated { set_dup }) => {
                let second = if set_dup { self.with_dup(&packet) } else { packet.clone() };
                if place == Place::More {
                    deeds.push(Deed::Arrive(packet, Fate::Passed));
                    self.copying = Some((channel, vec![second]));
                } else {
                    deeds.push(Deed::Arrive(packet, Fate::Passed));
                    self.pass(second, Fate::Copy, place, &mut deeds);
                }
            }
            Some(PacketFault::Delayed(duration)) => {
                deeds.push(Deed::Pause(duration));
                self.pass(packet, Fate::Passed, place, &mut deeds);
            }
            Some(PacketFault::Reordered { behind }) => {
                let number = self.next_hold;
                self.next_hold += 1;
                let is_whole = place == Place::Last;
                let packets = vec![packet.clone()];
                self.held.push_back(Held { number, channel, packets, is_whole, behind });
                deeds.extend([Deed::Vanish(packet, Fate::Reordered), Deed::Remind(number)]);
            }
            Some(PacketFault::Flipped { bit }) => {
                let flipped = self.flipped(&packet, bit.map_or(0, |bit| bit.number));
                deeds.push(Deed::Vanish(packet, Fate::Flipped));
                self.pass(flipped, Fate::Copy, place, &mut deeds);
            }
        }
        deeds
    }

    /// Lets a packet through that nobody overtook in time.
    pub fn overdue(&mut self, number: u64) -> Vec<Deed> {
        let found = self.held.iter().position(|held| held.number == number && held.is_whole);
        let held = found.and_then(|index| self.held.remove(index));
        held.map_or_else(Vec::new, arrive)
    }

    /// Lets everything through that is held back: the sender has nothing more to say.
    pub fn flush(&mut self) -> Vec<Deed> {
        self.held.drain(..).flat_map(arrive).collect()
    }

    /// Follows AMQP's content frames; everything else stands by itself.
    fn place(&mut self, channel: i128, packet: &Packet) -> Place {
        match packet.name {
            "basic.publish" | "basic.deliver" | "basic.return" | "basic.get-ok" => {
                self.contents.insert(channel, None);
            }
            "content-header" => {
                self.contents.insert(channel, packet.integer("body_size"));
            }
            "content-body" => {
                let length = packet.bytes("body").map_or(0, Bytes::len);
                let length = i128::try_from(length).unwrap_or(i128::MAX);
                if let Some(Some(missing)) = self.contents.get_mut(&channel) {
                    *missing = missing.saturating_sub(length);
                }
            }
            _ => {
                self.contents.remove(&channel);
            }
        }
        match self.contents.get(&channel) {
            None => Place::Last,
            Some(Some(missing)) if *missing <= 0 => {
                self.contents.remove(&channel);
                Place::Last
            }
            Some(_) => Place::More,
        }
    }

    /// A packet arrives, and with it those that it was the last to overtake.
    fn pass(&mut self, packet: Packet, fate: Fate, place: Place, deeds: &mut Vec<Deed>) {
        deeds.push(Deed::Arrive(packet, fate));
        if place == Place::More {
            return;
        }
        for held in &mut self.held {
            held.behind = held.behind.saturating_sub(1);
        }
        // Never in the middle of another content on the same channel.
        while let Some(index) = self
            .held
            .iter()
            .position(|held| held.behind == 0 && held.is_whole && !self.contents.contains_key(&held.channel))
        {
            deeds.extend(self.held.remove(index).into_iter().flat_map(arrive));
        }
    }

    /// A frame of a content that arrives twice: the second time when the first is complete.
    fn copy(&mut self, packet: Packet, place: Place, deeds: &mut Vec<Deed>) {
        if let Some((_, copies)) = &mut self.copying {
            copies.push(packet.clone());
        }
        deeds.push(Deed::Arrive(packet, Fate::Passed));
        if place == Place::Last {
            let copies = self.copying.take().map(|(_, copies)| copies).unwrap_or_default();
            let last = copies.len().saturating_sub(1);
            for (index, copy) in copies.into_iter().enumerate() {
                let place = if index == last { Place::Last } else { Place::More };
                self.pass(copy, Fate::Copy, place, deeds);
            }
        }
    }

    /// The connection dies: what is held back dies with it.
    fn cut(&mut self, last: Deed, deeds: &mut Vec<Deed>) {
        self.held.clear();
        deeds.extend([last, Deed::End]);
    }

    fn sender(&self) -> Side {
        match self.way {
            Way::In => Side::Server,
            Way::Out => Side::Client,
        }
    }

    /// A copy with the DUP flag of an MQTT PUBLISH set.
    fn with_dup(&self, packet: &Packet) -> Packet {
        if packet.name != "publish" {
            return packet.clone();
        }
        let mut raw = packet.raw.to_vec();
        if let Some(first) = raw.first_mut() {
            *first |= 0x08;
        }
        read_back(self.spec, self.sender(), &raw.into())
    }

    /// The packet with one bit changed; `unknown` where it no longer is one packet of that length.
    fn flipped(&self, packet: &Packet, bit: u64) -> Packet {
        let mut raw = packet.raw.to_vec();
        let byte = usize::try_from(bit / 8).unwrap_or(usize::MAX);
        if let Some(byte) = raw.get_mut(byte) {
            *byte ^= 0x80 >> (bit % 8);
        }
        read_back(self.spec, self.sender(), &raw.into())
    }
}

/// What was held back arrives.
fn arrive(held: Held) -> Vec<Deed> {
    held.packets.into_iter().map(|packet| Deed::Arrive(packet, Fate::Copy)).collect()
}

/// Bytes as the tester's codec reads them, for the trace: one packet, or `unknown`.
pub fn read_back(spec: Spec, sender: Side, bytes: &Bytes) -> Packet {
    let mut decoder = Decoder::new(spec, sender);
    decoder.push_bytes(bytes.clone());
    match decoder.next_packet() {
        Some(packet) if packet.raw.len() == bytes.len() => packet,
        Some(_) | None => unknown(bytes.clone()),
    }
}

/// Bytes that are no packet.
pub fn unknown(raw: Bytes) -> Packet {
    Packet { name: "unknown", fields: Vec::new(), oddities: Vec::new(), raw }
}
