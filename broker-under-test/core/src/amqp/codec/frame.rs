//! Frames: type, channel, size, payload, end octet 0xCE (§4.2.3).

use crate::amqp::Violation;

/// `AMQP` and 0 0 9 1, the first octets of a connection (§4.2.2).
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";
/// The last octet of each frame.
pub const FRAME_END: u8 = 0xCE;
/// Octets of a frame that are not payload: type 1, channel 2, size 4, end 1.
pub const FRAME_OVERHEAD: usize = 8;
/// What both peers accept before they have agreed on anything, and the least they may agree on (§ constants).
pub const FRAME_MIN_SIZE: u32 = 4096;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameType {
    /// 1: a method.
    Method,
    /// 2: a content header.
    Header,
    /// 3: a piece of a content body.
    Body,
    /// 8: nothing. (The prose says 4; the XML and every implementation say 8.)
    Heartbeat,
}

/// One frame, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it carries.
    pub frame_type: FrameType,
    /// The channel, 0 for the connection as a whole.
    pub channel: u16,
    /// Without header and end octet.
    pub payload: &'a [u8],
}

/// Splits the first frame off, with the number of octets it took; `None` while it is incomplete.
///
/// # Errors
/// An unknown type or a size above `frame_max` is found as soon as the seven header octets are there, before
/// anything of the payload has to be kept; a wrong end octet before the payload is looked at (§4.2.3).
#[inline]
pub fn split_frame(bytes: &[u8], frame_max: u32) -> Result<Option<(Frame<'_>, usize)>, Violation> {
    let Some((&[kind, channel_high, channel_low, s0, s1, s2, s3], after_header)) =
        bytes.split_first_chunk::<7>()
    else {
        return Ok(None);
    };
    let frame_type = match kind {
        1 => FrameType::Method,
        2 => FrameType::Header,
        3 => FrameType::Body,
        8 => FrameType::Heartbeat,
        unknown => return Err(Violation::FrameType(unknown)),
    };
    let payload_size = u32::from_be_bytes([s0, s1, s2, s3]);
    let size = u64::from(payload_size) + FRAME_OVERHEAD as u64;
    if size > u64::from(frame_max) {
        return Err(Violation::FrameTooLarge { size, frame_max });
    }
    let Ok(payload_size) = usize::try_from(payload_size) else {
        return Err(Violation::FrameTooLarge { size, frame_max });
    };
    let Some((payload, after_payload)) = after_header.split_at_checked(payload_size) else {
        return Ok(None);
    };
    match after_payload.first() {
        None => Ok(None),
        Some(&FRAME_END) => {
            let channel = u16::from_be_bytes([channel_high, channel_low]);
            Ok(Some((Frame { frame_type, channel, payload }, payload_size + FRAME_OVERHEAD)))
        }
        Some(&other) => Err(Violation::FrameEnd(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heartbeat_is_eight_octets() {
        let bytes = [8, 0, 0, 0, 0, 0, 0, 0xCE, 99];
        let frame = Frame { frame_type: FrameType::Heartbeat, channel: 0, payload: &[] };
        assert_eq!(split_frame(&bytes, 4096), Ok(Some((frame, 8))));
    }

    #[test]
    fn every_proper_prefix_of_a_frame_is_incomplete() {
        let bytes = [3, 0x12, 0x34, 0, 0, 0, 2, 0xAA, 0xBB, 0xCE];
        for end in 0..bytes.len() {
            let prefix = bytes.get(..end).expect("end lies inside");
            assert_eq!(split_frame(prefix, 4096), Ok(None), "{end} octets");
        }
        let frame = Frame { frame_type: FrameType::Body, channel: 0x1234, payload: &[0xAA, 0xBB] };
        assert_eq!(split_frame(&bytes, 4096), Ok(Some((frame, 10))));
    }

    #[test]
    fn end_octet_is_checked() {
        let bytes = [1, 0, 0, 0, 0, 0, 0, 0xCD];
        assert_eq!(split_frame(&bytes, 4096), Err(Violation::FrameEnd(0xCD)));
    }

    #[test]
    fn heartbeat_type_of_the_prose_is_unknown() {
        assert_eq!(split_frame(&[4, 0, 0, 0, 0, 0, 0, 0xCE], 4096), Err(Violation::FrameType(4)));
    }

    #[test]
    fn frame_max_counts_header_and_end() {
        let exactly = [3, 0, 1, 0, 0, 0x0F, 0xF8]; // 4088 + 8 = 4096
        assert_eq!(split_frame(&exactly, 4096), Ok(None));
        let one_more = [3, 0, 1, 0, 0, 0x0F, 0xF9];
        assert_eq!(
            split_frame(&one_more, 4096),
            Err(Violation::FrameTooLarge { size: 4097, frame_max: 4096 })
        );
    }

    #[test]
    fn size_of_four_gigabytes_is_refused_at_once() {
        let bytes = [1, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(
            split_frame(&bytes, 131_072),
            Err(Violation::FrameTooLarge { size: 0x1_0000_0007, frame_max: 131_072 })
        );
    }
}
