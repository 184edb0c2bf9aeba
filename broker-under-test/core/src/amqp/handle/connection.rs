//! Class Connection on channel 0, and how a connection ends.

use super::{Offence, Turn};
use crate::amqp::codec::frame::PROTOCOL_HEADER;
use crate::amqp::codec::method::channel::Close as ChannelClose;
use crate::amqp::codec::method::connection::{Close, CloseOk, Method as ConnectionMethod, UpdateSecretOk};
use crate::amqp::codec::{Frame, FrameType, Method, MethodId, method_frame};
use crate::amqp::connection::Stage;
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::{Reach, Violation};
use crate::effect::ConnectionId;

const CLOSE: MethodId = MethodId::new(10, 50);
const CLOSE_OK: MethodId = MethodId::new(10, 51);

impl Turn<'_> {
    /// A method on channel 0, or one of class Connection on another channel.
    pub(super) fn on_connection_method(
        &mut self,
        id: ConnectionId,
        frame: Frame<'_>,
        culprit: MethodId,
    ) -> Result<(), Violation> {
        let stage = self.connection(id).stage;
        if frame.channel != 0 && stage == Stage::Open {
            // [amqp-0-9-1/AMQP-4.2.3-connection-nonzero-channel] 503 if the channel is open, else 504.
            let open = self.connection(id).channels.contains_key(&frame.channel);
            return Err(if open {
                Violation::ConnectionMethodOnChannel(frame.channel)
            } else {
                Violation::ChannelNotOpen
            });
        }
        if culprit.class_id != 10 {
            return Err(if stage == Stage::Open {
                Violation::ChannelMethodOnChannelZero
            } else {
                Violation::HandshakeOrder(culprit)
            });
        }
        let Method::Connection(method) = Method::decode(frame.payload)? else {
            return Err(Violation::UnknownMethod(culprit));
        };
        match (stage, method) {
            (_, ConnectionMethod::Close) => {
                self.end_connection(id, |turn| turn.send(id, method_frame(0, &CloseOk)));
                Ok(())
            }
            (Stage::AwaitingStartOk, ConnectionMethod::StartOk(start_ok)) => self.on_start_ok(id, start_ok),
            (Stage::AwaitingTuneOk, ConnectionMethod::TuneOk(tune_ok)) => self.on_tune_ok(id, tune_ok),
            (Stage::AwaitingOpen, ConnectionMethod::Open { virtual_host }) => self.on_open(id, virtual_host),
            (Stage::Open, ConnectionMethod::UpdateSecret) => {
                self.send(id, method_frame(0, &UpdateSecretOk));
                Ok(())
            }
            (Stage::Open, _) => Err(Violation::ConnectionAlreadyOpen(culprit)),
            (_, _) => Err(Violation::HandshakeOrder(culprit)),
        }
    }

    /// [amqp-0-9-1/AMQP-connection.close-stability] all but Close and Close-Ok is discarded.
    pub(super) fn on_frame_while_closing(&mut self, id: ConnectionId, frame: Frame<'_>) {
        if frame.frame_type != FrameType::Method || frame.channel != 0 {
            return;
        }
        match Method::id(frame.payload) {
            Ok(CLOSE) => self.send(id, method_frame(0, &CloseOk)),
            Ok(CLOSE_OK) => self.end_connection(id, |_| {}),
            Ok(_) | Err(_) => {}
        }
    }

    /// Answers a violation as far as it reaches.
    pub(super) fn on_offence(&mut self, id: ConnectionId, offence: &Offence) {
        let violation = &offence.violation;
        let pause = self.now + self.state.config.negotiation_failure_pause;
        let connection = self.connection(id);
        match connection.stage {
            Stage::AwaitingHeader => {
                // [amqp-0-9-1/AMQP-4.2.2-reject-unknown-version] say what is supported, then close.
                self.end_connection(id, |turn| turn.send(id, PROTOCOL_HEADER.to_vec().into()));
            }
            Stage::AwaitingStartOk | Stage::AwaitingTuneOk | Stage::AwaitingOpen => {
                if matches!(violation, Violation::LoginRefused(_) | Violation::UnknownVhost(_)) {
                    self.close_connection(id, offence);
                } else {
                    // [amqp-0-9-1/AMQP-2.2.4-no-handshake-before-open], after a pause (§4.10.2).
                    connection.stage = Stage::Draining { until: pause };
                }
            }
            Stage::Open => match violation.reach() {
                Reach::Channel => self.close_channel(id, offence),
                Reach::Connection => self.close_connection(id, offence),
                Reach::Stream => {
                    self.close_connection(id, offence);
                    self.connection(id).stage = Stage::Draining { until: pause };
                }
                Reach::Drop => self.end_connection(id, |_| {}),
            },
            Stage::Closing { .. } | Stage::Draining { .. } => self.end_connection(id, |_| {}),
        }
    }

    /// A hard error: everything the connection held is given back, then Close goes out.
    pub(super) fn close_connection(&mut self, id: ConnectionId, offence: &Offence) {
        self.release_connection(id);
        let close = Close {
            reply_code: offence.violation.reply_code().number(),
            reply_text: &offence.violation.reply_text(),
            culprit: offence.culprit,
        };
        self.send(id, method_frame(0, &close));
        let wait = self.state.config.close_wait;
        let now = self.now;
        let connection = self.connection(id);
        let heartbeat = Some(connection.heartbeat).filter(|heartbeat| !heartbeat.is_zero());
        connection.stage = Stage::Closing { until: now + heartbeat.map_or(wait, |beat| beat.min(wait)) };
    }

    /// A soft error: the channel is given up, the connection goes on.
    fn close_channel(&mut self, id: ConnectionId, offence: &Offence) {
        let key = ChannelKey { connection: id, number: offence.channel };
        self.release_channel(key);
        let close = ChannelClose {
            reply_code: offence.violation.reply_code().number(),
            reply_text: &offence.violation.reply_text(),
            culprit: offence.culprit,
        };
        self.reply(key, &close);
    }
}
