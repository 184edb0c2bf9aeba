//! `.mqspec/runs/`: the whole trace of each scenario that did not pass when it last ran.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mqspec_conformance::trace::lanes::{self, Detail};
use mqspec_conformance::trace::{EndedBy, Event, Fate, Trace, What};
use mqspec_conformance::verdict::Outcome;
use mqspec_wire::{Packet, Side};
use serde_json::{Value, json};

use crate::decode::json::field_entries;
use crate::json_value::{to_hex, to_json};
use crate::report::Case;
use crate::seed::Seed;

/// Where runs are kept, below the current directory.
pub const FOLDER: &str = ".mqspec/runs";

/// The version of the stored JSON; it grows when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// Keeps the run of a case that did not pass, as text lanes (whose path is returned) and as JSON beside them;
/// takes away what is kept of a case that passes again.
///
/// # Errors
///
/// What the file system returns.
pub fn keep(folder: &Path, case: &Case, seed: Seed) -> io::Result<Option<PathBuf>> {
    let text = folder.join(format!("{}.lanes", relative(&case.plan.address)));
    let data = text.with_extension("json");
    match case.verdict.outcome {
        Outcome::NotApplicable(_) => Ok(None),
        Outcome::Pass => {
            for file in [&text, &data] {
                match fs::remove_file(file) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(None)
        }
        Outcome::Fail | Outcome::Inconclusive(_) => {
            if let Some(parent) = text.parent() {
                fs::create_dir_all(parent)?;
            }
            let detail = Detail { bytes: true, steps: true };
            fs::write(&text, lanes::render(&case.trace, &case.trace.events, detail))?;
            fs::write(&data, format!("{:#}\n", document(case, seed)))?;
            Ok(Some(text))
        }
    }
}

/// An address as a path that stays inside the folder.
fn relative(address: &str) -> String {
    let parts = address.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    parts.collect::<Vec<_>>().join("/")
}

fn document(case: &Case, seed: Seed) -> Value {
    let Trace { actors, events } = &case.trace;
    let actors: Vec<Value> =
        actors.iter().map(|(name, spec)| json!({ "name": name, "spec": spec.id() })).collect();
    let events: Vec<Value> = events.iter().map(|event| event_to_json(&case.trace, event)).collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "address": case.plan.address,
        "scenario": case.path,
        "seed": seed.to_string(),
        "trace_hash": case.hash,
        "actors": actors,
        "events": events,
    })
}

/// An event as JSON: `sequence`, `at_ns`, `kind`, and what belongs to that kind.
fn event_to_json(trace: &Trace, event: &Event) -> Value {
    let (kind, mut about) = match &event.what {
        What::Step { line, text } => ("step", json!({ "line": line, "text": text })),
        What::Opened { actor, connection } => {
            ("opened", json!({ "actor": trace.actor_name(*actor), "connection": connection.0 }))
        }
        What::OpenFailed { actor, why } => {
            ("open-failed", json!({ "actor": trace.actor_name(*actor), "why": why }))
        }
        What::Sent { actor, connection, packet, fate } => {
            ("sent", packet_to_json(trace.actor_name(*actor), connection.0, packet, *fate))
        }
        What::Received { actor, connection, packet, fate } => {
            ("received", packet_to_json(trace.actor_name(*actor), connection.0, packet, *fate))
        }
        What::Ended { actor, connection, by, how, rest } => {
            let by = match by {
                EndedBy::Peer(Side::Client) => "client",
                EndedBy::Peer(Side::Server) => "broker",
                EndedBy::Fault => "fault",
            };
            let how = format!("{how:?}").to_lowercase();
            let actor = trace.actor_name(*actor);
            (
                "ended",
                json!({ "actor": actor, "connection": connection.0, "by": by, "how": how, "rest": rest }),
            )
        }
        What::Fault { actor, text } => {
            ("fault", json!({ "actor": actor.map(|actor| trace.actor_name(actor)), "text": text }))
        }
        What::Broker { text } => ("broker", json!({ "text": text })),
        What::Bound { name, value } => ("bound", json!({ "name": name, "value": to_json(value) })),
    };
    let mut entry = json!({
        "sequence": event.sequence,
        "at_ns": u64::try_from(event.at.as_nanos()).unwrap_or(u64::MAX),
        "kind": kind,
    });
    if let (Some(entry), Some(about)) = (entry.as_object_mut(), about.as_object_mut()) {
        entry.append(about);
    }
    entry
}

fn packet_to_json(actor: &str, connection: u32, packet: &Packet, fate: Fate) -> Value {
    let oddities: Vec<Value> = packet
        .oddities
        .iter()
        .map(|oddity| {
            json!({ "statement": oddity.statement, "offset": oddity.span.start, "message": oddity.message.to_string() })
        })
        .collect();
    json!({
        "actor": actor,
        "connection": connection,
        "fate": format!("{fate:?}").to_lowercase(),
        "name": packet.name,
        "bytes": to_hex(&packet.raw),
        "fields": field_entries(0, packet),
        "oddities": oddities,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use mqspec_conformance::plan::ActorId;
    use mqspec_conformance::trace::ConnectionNumber;
    use mqspec_wire::Spec;

    use super::*;
    use crate::report::tests::case;

    fn failing() -> Case {
        let mut case = case("mqtt/a@mqtt-5.0", Outcome::Fail, Vec::new());
        case.trace.actors.push((String::from("alice"), Spec::Mqtt50));
        let packet = Packet {
            name: "pingreq",
            fields: Vec::new(),
            oddities: Vec::new(),
            raw: Bytes::from_static(&[0xc0, 0x00]),
        };
        let what =
            What::Sent { actor: ActorId(0), connection: ConnectionNumber(1), packet, fate: Fate::Passed };
        case.trace.events.push(Event { sequence: 0, at: Duration::from_millis(2), what });
        case
    }

    #[test]
    fn a_failing_run_is_kept_until_it_passes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut case = failing();
        let file = keep(folder.path(), &case, Seed(7)).expect("it can be written").expect("it is kept");
        assert!(file.ends_with("mqtt/a@mqtt-5.0.lanes"), "{}", file.display());
        let lanes = fs::read_to_string(&file).expect("the lanes are there");
        assert!(lanes.contains("alice ──▶  pingreq"), "{lanes}");

        let data = folder.path().join("mqtt/a@mqtt-5.0.json");
        let data = fs::read_to_string(data).expect("the data is there");
        let data: Value = serde_json::from_str(&data).expect("it is JSON");
        assert_eq!(data.pointer("/events/0/bytes"), Some(&json!("c000")));
        assert_eq!(data.pointer("/events/0/at_ns"), Some(&json!(2_000_000)));
        assert_eq!(data.pointer("/seed"), Some(&json!("0x7")));

        case.verdict.outcome = Outcome::Pass;
        assert_eq!(keep(folder.path(), &case, Seed(7)).expect("it can be removed"), None);
        assert!(!file.exists());
    }

    #[test]
    fn no_address_leads_out_of_the_folder() {
        assert_eq!(relative("/tmp/../x/y@mqtt-5.0"), "tmp/x/y@mqtt-5.0");
    }
}
