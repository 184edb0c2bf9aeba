//! Content frames: the header and the body of a publish (§4.2.6).

use bytes::{Bytes, BytesMut};

use super::Turn;
use crate::amqp::channel::{Incoming, IncomingHeader};
use crate::amqp::codec::{ContentHeader, Frame, FrameType};
use crate::amqp::consumer::ChannelKey;
use crate::amqp::violation::Violation;

impl Turn<'_> {
    /// A header or body frame on an open connection.
    pub(super) fn on_content_frame(&mut self, key: ChannelKey, frame: Frame<'_>) -> Result<(), Violation> {
        if key.number == 0 {
            return Err(Violation::ContentOnChannelZero);
        }
        let limit = self.state.config.message_size_max;
        let Some(channel) = self.connection(key.connection).channels.get_mut(&key.number) else {
            return Err(Violation::ChannelNotOpen);
        };
        if channel.closing {
            return Ok(());
        }
        let incoming = channel.incoming.as_mut().ok_or(Violation::ContentWithoutMethod)?;
        match frame.frame_type {
            FrameType::Header => take_header(incoming, frame.payload, limit)?,
            FrameType::Body => take_body(incoming, frame.payload)?,
            FrameType::Method | FrameType::Heartbeat => {}
        }
        if incoming.is_complete()
            && let Some(incoming) = channel.incoming.take()
        {
            return self.on_published(key, incoming);
        }
        Ok(())
    }
}

fn take_header(incoming: &mut Incoming, payload: &[u8], limit: u64) -> Result<(), Violation> {
    if incoming.header.is_some() {
        return Err(Violation::ContentOrder);
    }
    let header = ContentHeader::decode(payload)?;
    if header.body_size > limit {
        return Err(Violation::MessageTooLarge { size: header.body_size, maximum: limit });
    }
    let properties = Bytes::from(header.properties.encode());
    // The body grows with what arrives: the announced size reserves nothing.
    incoming.header = Some(IncomingHeader { properties, body_size: header.body_size, body: BytesMut::new() });
    Ok(())
}

fn take_body(incoming: &mut Incoming, payload: &[u8]) -> Result<(), Violation> {
    let header = incoming.header.as_mut().ok_or(Violation::ContentOrder)?;
    if header.body.len() as u64 + payload.len() as u64 > header.body_size {
        return Err(Violation::BodyOverrun);
    }
    header.body.extend_from_slice(payload);
    Ok(())
}

impl Incoming {
    fn is_complete(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.body.len() as u64 == header.body_size)
    }
}
