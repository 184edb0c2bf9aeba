//! One AMQP channel: when it is open, and that its contents are whole.

use mqspec_wire::Packet;

use super::super::amqp_packet::unsigned;
use super::super::judge::Findings;
use super::confirms::Confirms;
use super::consumers::Consumers;
use super::replies::Replies;

/// Whether a channel can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It was never opened, or its close is complete.
    #[default]
    Closed,
    /// The client has opened it.
    Open,
    /// The client has closed it; the broker may still have sent something.
    Closing,
    /// The broker has closed it, and may send nothing more.
    ClosedByBroker,
}

/// A content whose frames are not all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Header,
    /// Bytes of the body that are missing.
    Body(u64),
}

/// A channel so far.
#[derive(Debug, Default)]
pub(super) struct Channel {
    state: State,
    content: Option<Content>,
    client_content: Option<Content>,
    replies: Replies,
    consumers: Consumers,
    confirms: Confirms,
}

impl Channel {
    /// A client's frame. False if the client broke a rule with it.
    pub(super) fn on_sent(&mut self, packet: &Packet) -> bool {
        let whole = advance(&mut self.client_content, packet).is_ok();
        match (self.state, packet.name) {
            (State::Closed, "channel.open") => {
                *self = Self { state: State::Open, ..Self::default() };
            }
            // After the broker's close whatever crosses it is dropped, and close-ok completes it.
            (State::ClosedByBroker, "channel.close-ok") => self.state = State::Closed,
            (State::ClosedByBroker, name) => return name != "channel.open",
            (State::Open, "channel.close") => self.state = State::Closing,
            (State::Closing, "channel.close-ok") => {}
            (State::Open, "channel.open" | "channel.close-ok") | (State::Closed | State::Closing, _) => {
                return false;
            }
            (State::Open, _) => {}
        }
        self.replies.on_sent(packet);
        self.consumers.on_sent(packet);
        self.confirms.on_sent(packet);
        whole
    }

    /// Judges a broker's frame.
    pub(super) fn on_received(&mut self, event: u64, packet: &Packet, findings: &mut Findings) {
        match self.state {
            State::Open | State::Closing => {}
            State::ClosedByBroker if packet.name == "channel.close-ok" => return,
            State::Closed | State::ClosedByBroker => {
                findings.must(
                    &["amqp-0-9-1/AMQP-4.5-closed-when"],
                    event,
                    "nothing on a channel that is not open",
                    format!("a {}", packet.name),
                );
                return;
            }
        }
        if let Err((statement, actual)) = advance(&mut self.content, packet) {
            findings.must(
                &[statement],
                event,
                "a content header and its whole body after the method",
                actual,
            );
        }
        self.replies.on_received(event, packet, findings);
        self.consumers.on_received(event, packet, findings);
        self.confirms.on_received(event, packet, findings);
        match (self.state, packet.name) {
            (_, "channel.close-ok") => self.state = State::Closed,
            // When both close at once each still answers, and the client's close is answered.
            (State::Open, "channel.close") => self.state = State::ClosedByBroker,
            _ => {}
        }
    }
}

/// Follows the frames of a content.
///
/// # Errors
///
/// The broken statement and what was wrong.
fn advance(content: &mut Option<Content>, packet: &Packet) -> Result<(), (&'static str, String)> {
    let before = content.take();
    match (before, packet.name) {
        (Some(Content::Header), "content-header") => {
            let size = unsigned(packet, "body_size");
            *content = (size > 0).then_some(Content::Body(size));
            Ok(())
        }
        (Some(Content::Body(missing)), "content-body") => {
            let length = packet.bytes("body").map_or(0, bytes::Bytes::len);
            let length = u64::try_from(length).unwrap_or(u64::MAX);
            if length > missing {
                let actual = format!("{} bytes more than the header announced", length - missing);
                return Err(("amqp-0-9-1/AMQP-4.2.6.1-body-overrun", actual));
            }
            *content = (missing > length).then_some(Content::Body(missing - length));
            Ok(())
        }
        (None, "content-header" | "content-body") => Err((
            "amqp-0-9-1/AMQP-4.2.6-content-order",
            format!("a {} that no method announced", packet.name),
        )),
        (before, name) => {
            if matches!(name, "basic.publish" | "basic.deliver" | "basic.return" | "basic.get-ok") {
                *content = Some(Content::Header);
            }
            match before {
                None => Ok(()),
                Some(_) => {
                    Err(("amqp-0-9-1/AMQP-4.2.6-no-mixing", format!("a {name} within another content")))
                }
            }
        }
    }
}
