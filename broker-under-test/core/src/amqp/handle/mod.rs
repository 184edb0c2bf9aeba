//! One input at a time: from octets to frames, from frames to the file of their class.

mod basic;
mod channel;
mod confirm;
mod connection;
mod content;
mod exchange;
mod handshake;
mod lifecycle;
mod publish;
mod queue;
mod settle;
mod storage;
mod transaction;

use bytes::{Buf, Bytes};

use super::channel::Channel;
use super::codec::frame::PROTOCOL_HEADER;
use super::codec::{Frame, FrameType, Method, MethodId, Reply, method_frame, split_frame};
use super::connection::{Connection, Stage};
use super::consumer::ChannelKey;
use super::message::Name;
use super::state::State;
use super::violation::Violation;
use crate::effect::{ConnectionId, Effects, Now};

/// An input that is being handled.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) now: Now,
    pub(crate) state: &'a mut State,
    pub(crate) effects: &'a mut Effects,
}

/// A violation with what Close says about it.
#[derive(Debug)]
pub(crate) struct Offence {
    pub(crate) violation: Violation,
    pub(crate) channel: u16,
    /// The method at fault; 0.0 for an error in the frame itself.
    pub(crate) culprit: MethodId,
}

impl Turn<'_> {
    /// Takes octets in any split; what is not a whole frame is kept.
    pub(crate) fn on_received(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.state.connections.get_mut(&id) else { return };
        // [amqp-0-9-1/AMQP-4.2.7-traffic-counts] any octet is a sign of life.
        connection.last_received = self.now;
        self.read_inbox(id, bytes);
    }

    /// Handles what was kept, and what is new.
    pub(crate) fn read_inbox(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.state.connections.get_mut(&id) else { return };
        let mut inbox = std::mem::take(&mut connection.inbox);
        if inbox.is_empty() {
            let consumed = self.read_all(id, bytes);
            inbox.extend_from_slice(bytes.get(consumed..).unwrap_or_default());
        } else {
            inbox.extend_from_slice(bytes);
            let consumed = self.read_all(id, &inbox);
            inbox.advance(consumed);
        }
        if let Some(connection) = self.state.connections.get_mut(&id) {
            connection.inbox = inbox;
        }
        self.arm_connection(id);
    }

    /// Handles all that is complete; says how much that was.
    fn read_all(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        let mut consumed = 0;
        while let Some(rest) = bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
            let config = &self.state.config;
            if self.state.connections.get(&id).is_none_or(|connection| connection.is_held_back(config)) {
                break;
            }
            let Some(count) = self.read_one(id, rest) else { break };
            consumed += count;
            self.settle();
        }
        consumed
    }

    /// Handles one frame, or the protocol header; `None` while it is incomplete.
    fn read_one(&mut self, id: ConnectionId, bytes: &[u8]) -> Option<usize> {
        let connection = self.state.connections.get(&id)?;
        match connection.stage {
            Stage::AwaitingHeader => return self.on_protocol_header(id, bytes),
            Stage::Draining { .. } => return Some(bytes.len()),
            Stage::AwaitingStartOk
            | Stage::AwaitingTuneOk
            | Stage::AwaitingOpen
            | Stage::Open
            | Stage::Closing { .. } => {}
        }
        match split_frame(bytes, connection.frame_max) {
            Ok(None) => None,
            Ok(Some((frame, count))) => {
                if let Err(offence) = self.on_frame(id, frame) {
                    self.on_offence(id, &offence);
                }
                Some(count)
            }
            Err(violation) => {
                let offence = Offence { violation, channel: 0, culprit: MethodId::default() };
                self.on_offence(id, &offence);
                Some(bytes.len())
            }
        }
    }

    fn on_frame(&mut self, id: ConnectionId, frame: Frame<'_>) -> Result<(), Offence> {
        let stage = self.connection(id).stage;
        let offence = |violation| Offence { violation, channel: frame.channel, culprit: MethodId::default() };
        if matches!(stage, Stage::Closing { .. }) {
            self.on_frame_while_closing(id, frame);
            return Ok(());
        }
        match frame.frame_type {
            FrameType::Heartbeat => check_heartbeat(frame).map_err(offence),
            FrameType::Method => {
                let culprit = Method::id(frame.payload).map_err(offence)?;
                let violated = |violation| Offence { violation, channel: frame.channel, culprit };
                if frame.channel == 0 || culprit.class_id == 10 {
                    self.on_connection_method(id, frame, culprit).map_err(violated)
                } else {
                    self.on_channel_method(id, frame, culprit).map_err(violated)
                }
            }
            FrameType::Header | FrameType::Body => {
                if stage != Stage::Open {
                    return Err(offence(Violation::HandshakeOrder(MethodId::default())));
                }
                let key = ChannelKey { connection: id, number: frame.channel };
                let publish = MethodId::new(60, 40);
                let violated = |violation| Offence { violation, channel: frame.channel, culprit: publish };
                self.on_content_frame(key, frame).map_err(violated)
            }
        }
    }

    fn on_channel_method(
        &mut self,
        id: ConnectionId,
        frame: Frame<'_>,
        culprit: MethodId,
    ) -> Result<(), Violation> {
        let key = ChannelKey { connection: id, number: frame.channel };
        if self.connection(id).stage != Stage::Open {
            return Err(Violation::HandshakeOrder(culprit));
        }
        match self.connection(id).channels.get(&key.number) {
            Some(channel) if channel.closing => {
                // [amqp-0-9-1/AMQP-channel.close-stability] all but Close and Close-Ok is discarded.
                self.on_method_while_channel_closing(key, culprit);
                return Ok(());
            }
            Some(channel) if channel.incoming.is_some() => return Err(Violation::MethodInsideContent),
            Some(_) => {}
            None if culprit == MethodId::new(20, 10) => {}
            None => return Err(Violation::ChannelNotOpen),
        }
        match Method::decode(frame.payload)? {
            Method::Connection(_) => Err(Violation::ConnectionMethodOnChannel(key.number)),
            Method::Channel(method) => self.on_channel(key, method),
            Method::AccessRequest => {
                self.reply(key, &super::codec::method::AccessRequestOk);
                Ok(())
            }
            Method::Exchange(method) => self.on_exchange(key, method),
            Method::Queue(method) => self.on_queue(key, method),
            Method::Basic(method) => self.on_basic(key, method),
            Method::ConfirmSelect { no_wait } => self.on_confirm_select(key, no_wait),
            Method::Transaction(method) => self.on_transaction(key, method),
        }
    }

    /// The protocol header has to be exact; the first octet that differs decides.
    fn on_protocol_header(&mut self, id: ConnectionId, bytes: &[u8]) -> Option<usize> {
        let got = bytes.get(..PROTOCOL_HEADER.len()).unwrap_or(bytes);
        if !PROTOCOL_HEADER.starts_with(got) {
            let is_amqp = PROTOCOL_HEADER.iter().zip(got).take(5).all(|(wanted, octet)| wanted == octet);
            let violation = if is_amqp { Violation::UnsupportedVersion } else { Violation::UnknownProtocol };
            self.on_offence(id, &Offence { violation, channel: 0, culprit: MethodId::default() });
            return Some(bytes.len());
        }
        if got.len() < PROTOCOL_HEADER.len() {
            return None;
        }
        self.on_header_accepted(id);
        Some(PROTOCOL_HEADER.len())
    }

    // What the handlers use.

    /// The connection whose input is handled.
    ///
    /// # Panics
    /// If it is gone: handlers stop once they have closed it.
    pub(crate) fn connection(&mut self, id: ConnectionId) -> &mut Connection {
        self.state.connections.get_mut(&id).expect("a connection lives while its frame is handled")
    }

    /// The channel whose method is handled.
    ///
    /// # Panics
    /// If it is not there: no handler is called without one.
    pub(crate) fn channel(&mut self, key: ChannelKey) -> &mut Channel {
        let channel = self.connection(key.connection).channels.get_mut(&key.number);
        channel.expect("a channel lives while its method is handled")
    }

    /// The virtual host of a connection.
    pub(crate) fn vhost_name(&mut self, id: ConnectionId) -> Name {
        self.connection(id).virtual_host.clone()
    }

    /// Sends octets and counts them as the connection's backlog.
    pub(crate) fn send(&mut self, id: ConnectionId, bytes: Bytes) {
        let Some(connection) = self.state.connections.get_mut(&id) else { return };
        connection.backlog += bytes.len();
        connection.last_sent = self.now;
        self.effects.send(id, bytes);
    }

    /// Sends one method.
    pub(crate) fn reply<R: Reply>(&mut self, key: ChannelKey, reply: &R) {
        self.send(key.connection, method_frame(key.number, reply));
    }

    /// Sends one method unless the client does not want it.
    pub(crate) fn reply_unless<R: Reply>(&mut self, no_wait: bool, key: ChannelKey, reply: &R) {
        if !no_wait {
            self.reply(key, reply);
        }
    }
}

/// Heartbeats travel on channel 0 and carry nothing (§4.2.7).
fn check_heartbeat(frame: Frame<'_>) -> Result<(), Violation> {
    if frame.channel != 0 {
        return Err(Violation::HeartbeatChannel(frame.channel));
    }
    if frame.payload.is_empty() { Ok(()) } else { Err(Violation::HeartbeatPayload) }
}
