//! A trace as text: one line per event, a lane per actor.
//!
//! The text is for reviewers and snapshots: no addresses, no wall time, and no field that says what is
//! usual anyway. The bytes, where they are shown, are complete up to [`SHOWN_BYTES`].

mod packet;

use std::fmt::Write as _;

use mqspec_wire::{Packet, Side};

pub use self::packet::{SHOWN_BYTES, show_hex, show_packet};
use super::{ConnectionNumber, EndedBy, Event, Fate, Trace, What};
use crate::plan::{ActorId, Ending};

/// More actors than this share one lane, as lines would not fit a screen.
const MOST_LANES: usize = 4;

/// How much a rendering shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The bytes of each packet below its line.
    pub bytes: bool,
    /// The steps of the script between the packets.
    pub steps: bool,
}

/// Renders events, one line each, with virtual time, lane, arrow, packet and fields.
pub fn render<'a>(trace: &Trace, events: impl IntoIterator<Item = &'a Event>, detail: Detail) -> String {
    let mut text = String::new();
    for event in events {
        text.push_str(&render_event(trace, event, detail));
    }
    text
}

/// Renders one event: no line at all (a step, where these are not asked for), one, or several.
pub fn render_event(trace: &Trace, event: &Event, detail: Detail) -> String {
    let mut lines = Lines { trace, at: event.at.as_secs_f64(), text: String::new() };
    match &event.what {
        What::Step { line, text } if detail.steps => lines.remark(&format!("{line:>3} │ {text}")),
        What::Bound { name, value } if detail.steps => lines.remark(&format!("    │ ${name} = {value}")),
        What::Step { .. } | What::Bound { .. } => {}
        What::Opened { actor, connection } => {
            let again = if connection.0 == 1 { "" } else { " again" };
            lines.event(Some(*actor), "═══", &format!("connected{again}"));
        }
        What::OpenFailed { actor, why } => {
            lines.event(Some(*actor), "═╳═", &format!("cannot connect: {why}"));
        }
        What::Sent { actor, connection, packet, fate } => {
            let arrow = if reaches(*fate) { "──▶" } else { "──╳" };
            let aside = format!("{}{}", show_fate(*fate), show_old(trace, event, *actor, *connection));
            lines.packet(*actor, arrow, packet, &aside, detail);
        }
        What::Received { actor, connection, packet, fate } => {
            let arrow = if reaches(*fate) { "◀──" } else { "╳──" };
            let aside = format!("{}{}", show_fate(*fate), show_old(trace, event, *actor, *connection));
            lines.packet(*actor, arrow, packet, &aside, detail);
            for oddity in &packet.oddities {
                lines.below(&format!("! {} [{}]", oddity.message, oddity.statement));
            }
        }
        What::Ended { actor, by, how, rest, .. } => {
            lines.event(Some(*actor), "═══", &show_end(trace, *actor, *by, *how, *rest));
        }
        What::Fault { actor, text } => lines.event(*actor, " ⚡ ", text),
        What::Broker { text } => lines.event(None, " ⚡ ", &format!("broker {text}")),
    }
    lines.text
}

fn show_end(trace: &Trace, actor: ActorId, by: EndedBy, how: Ending, rest: usize) -> String {
    let how = match how {
        Ending::Fin => "closed",
        Ending::Reset => "reset",
    };
    let by = match by {
        EndedBy::Peer(Side::Client) => trace.actor_name(actor),
        EndedBy::Peer(Side::Server) => "the broker",
        EndedBy::Fault => "a fault",
    };
    let rest = match rest {
        0 => String::new(),
        1 => String::from(", after 1 byte of a packet that never became whole"),
        rest => format!(", after {rest} bytes of a packet that never became whole"),
    };
    format!("connection {how} by {by}{rest}")
}

/// Whether anything of a packet reaches its receiver.
const fn reaches(fate: Fate) -> bool {
    fate.arrives() || matches!(fate, Fate::Cut)
}

fn show_fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Passed => "",
        Fate::Late => "   (left late)",
        Fate::Swallowed => "   (never left)",
        Fate::Reordered => "   (held back by a fault)",
        Fate::Flipped => "   (changed by a fault)",
        Fate::AfterEnd => "   (written after the end)",
        Fate::Lost => "   (lost by a fault)",
        Fate::Copy => "   (put there by a fault)",
        Fate::Cut => "   (cut by a fault)",
    }
}

/// Says so where a packet belongs to a connection before the actor's newest one: it was under way when the
/// actor connected again.
fn show_old(trace: &Trace, event: &Event, actor: ActorId, connection: ConnectionNumber) -> String {
    let before = trace.events.iter().rev().skip_while(|known| known.sequence >= event.sequence);
    let newest = before.into_iter().find_map(|known| {
        let What::Opened { actor: whose, connection } = &known.what else { return None };
        (*whose == actor).then_some(*connection)
    });
    if newest.is_some_and(|newest| newest > connection) {
        format!("   (on connection {}, which had ended)", connection.0)
    } else {
        String::new()
    }
}

/// The lines of one event.
struct Lines<'a> {
    trace: &'a Trace,
    at: f64,
    text: String,
}

impl Lines<'_> {
    /// A line with a time, in the actor's lane.
    fn event(&mut self, actor: Option<ActorId>, arrow: &str, what: &str) {
        let lanes = self.lanes(actor, arrow);
        let line = format!("{:>8.3}s  {lanes}  {what}", self.at);
        self.push(&line);
    }

    fn packet(&mut self, actor: ActorId, arrow: &str, packet: &Packet, aside: &str, detail: Detail) {
        self.event(Some(actor), arrow, &format!("{}{aside}", show_packet(packet)));
        if detail.bytes && !packet.raw.is_empty() {
            self.below(&show_hex(&packet.raw));
        }
    }

    /// A line of the script.
    fn remark(&mut self, text: &str) {
        self.push(&format!("      {text}"));
    }

    /// A line that continues the one above.
    fn below(&mut self, text: &str) {
        let indent = self.lanes(None, "").chars().count() + 13;
        self.push(&format!("{:indent$}{text}", ""));
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// All lanes with an arrow in one of them: `alice ──▶             `.
    fn lanes(&self, actor: Option<ActorId>, arrow: &str) -> String {
        let width = |name: &str| name.chars().count();
        let actors = &self.trace.actors;
        if actors.len() > MOST_LANES {
            let widest = actors.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
            let name = actor.map_or("", |actor| self.trace.actor_name(actor));
            return format!("{name:<widest$} {arrow:<3}");
        }
        let mut text = String::new();
        for (index, (name, _)) in actors.iter().enumerate() {
            let gap = if index == 0 { "" } else { "  " };
            let width = width(name);
            let _ = if actor == Some(ActorId(index)) {
                write!(text, "{gap}{name} {arrow:<3}")
            } else {
                write!(text, "{gap}{:width$}    ", "")
            };
        }
        // What concerns nobody in particular still shows its arrow, in the first lane.
        if actor.is_none() && !arrow.is_empty() {
            let rest: String = text.chars().skip(width(arrow)).collect();
            return format!("{arrow}{rest}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mqspec_wire::{Oddity, Spec};

    use super::packet::tests::publish;
    use super::*;

    const BYTES_AND_STEPS: Detail = Detail { bytes: true, steps: true };

    fn trace(what: Vec<What>) -> Trace {
        let actors = ["alice", "bob"].map(|name| (name.to_owned(), Spec::Mqtt311)).to_vec();
        let events = what.into_iter().zip(0..).map(|(what, sequence)| Event {
            sequence,
            at: Duration::from_millis(sequence * 5),
            what,
        });
        Trace { actors, events: events.collect() }
    }

    fn shown(what: Vec<What>, detail: Detail) -> String {
        let trace = trace(what);
        render(&trace, &trace.events, detail)
    }

    #[test]
    fn each_actor_has_a_lane_and_usual_fields_are_left_out() {
        let sent = |actor, fate| What::Sent {
            actor: ActorId(actor),
            connection: ConnectionNumber(1),
            packet: publish(),
            fate,
        };
        let text = shown(vec![sent(0, Fate::Passed), sent(1, Fate::Lost)], BYTES_AND_STEPS);
        let bytes = format!("{:31}3a 05 00 01 74 00 07", "");
        let expected = [
            "   0.000s  alice ──▶           publish dup qos=1 topic=\"t\" packet_id=7",
            &bytes,
            "   0.005s             bob ──╳  publish dup qos=1 topic=\"t\" packet_id=7   (lost by a fault)",
            &bytes,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn steps_show_only_where_asked_for() {
        let step = || What::Step { line: 12, text: String::from("- alice: { ping: {} }") };
        assert_eq!(shown(vec![step()], BYTES_AND_STEPS), "       12 │ - alice: { ping: {} }\n");
        assert_eq!(shown(vec![step()], Detail { bytes: true, steps: false }), "");
    }

    #[test]
    fn an_oddity_stands_below_its_packet_with_its_statement() {
        let mut packet = publish();
        packet.oddities.push(Oddity {
            statement: "mqtt-3.1.1/MQTT-3.3.1-2",
            span: 0..1,
            message: "DUP is set at QoS 0".into(),
        });
        let received =
            What::Received { actor: ActorId(1), connection: ConnectionNumber(2), packet, fate: Fate::Passed };
        let text = shown(vec![received], Detail { bytes: false, steps: false });
        assert!(text.ends_with("! DUP is set at QoS 0 [mqtt-3.1.1/MQTT-3.3.1-2]\n"), "{text}");
    }

    #[test]
    fn the_end_of_a_connection_says_who_ended_it() {
        let ended = |by| What::Ended {
            actor: ActorId(0),
            connection: ConnectionNumber(1),
            by,
            how: Ending::Reset,
            rest: 3,
        };
        let text = shown(vec![ended(EndedBy::Peer(Side::Server))], BYTES_AND_STEPS);
        assert!(text.contains("connection reset by the broker, after 3 bytes"), "{text}");
        let text = shown(vec![ended(EndedBy::Peer(Side::Client))], BYTES_AND_STEPS);
        assert!(text.contains("reset by alice"), "{text}");
    }

    #[test]
    fn a_packet_of_an_ended_connection_says_so() {
        let opened = |number| What::Opened { actor: ActorId(0), connection: ConnectionNumber(number) };
        let late = What::Received {
            actor: ActorId(0),
            connection: ConnectionNumber(1),
            packet: publish(),
            fate: Fate::Passed,
        };
        let text =
            shown(vec![opened(1), late.clone(), opened(2), late], Detail { bytes: false, steps: false });
        let told: Vec<bool> =
            text.lines().map(|line| line.ends_with("(on connection 1, which had ended)")).collect();
        assert_eq!(told, [false, false, false, true], "{text}");
    }
}
