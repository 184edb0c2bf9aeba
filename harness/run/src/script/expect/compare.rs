//! Whether a packet, or the end of a connection, is what a step expects.

use mqspec_conformance::plan::{Bindings, Mismatch, Pattern};
use mqspec_conformance::trace::lanes::show_packet;
use mqspec_wire::{Packet, Value};

use super::Look;

/// What a pattern that holds leaves behind.
#[derive(Default)]
pub(super) struct Held<'a> {
    pub(super) bind: Vec<(&'a str, Value)>,
    pub(super) advice: Vec<Mismatch>,
}

/// `Err(None)`: another packet altogether.
pub(super) fn compare<'a>(
    pattern: &'a Pattern,
    packet: &Packet,
    bindings: &Bindings,
) -> Result<Held<'a>, Option<Mismatch>> {
    let Pattern::Packet { name, fields, should, bind, .. } = pattern else { return Err(None) };
    if name != packet.name {
        return Err(None);
    }
    for field in fields {
        field.compare(packet, bindings).map_err(Some)?;
    }
    let mut held = Held {
        advice: should.iter().filter_map(|field| field.compare(packet, bindings).err()).collect(),
        ..Held::default()
    };
    for (field, name) in bind {
        let Some(value) = packet.get(field) else {
            return Err(Some(Mismatch {
                expected: format!("{field} present"),
                actual: format!("no {field}"),
            }));
        };
        held.bind.push((name, value.untagged().clone()));
    }
    Ok(held)
}

pub(super) fn judge_end<'a>(
    pattern: &'a Pattern,
    farewell: Option<&Packet>,
    bindings: &Bindings,
) -> Look<'a> {
    let Pattern::Closed { farewell: demanded, should, silent } = pattern else { return Look::Wait };
    let Some(farewell) = farewell else {
        let advice = should
            .iter()
            .map(|field| Mismatch {
                expected: format!("a farewell with {}", field.name),
                actual: String::from("the connection was closed without one"),
            })
            .collect();
        return Look::Holds(Held { advice, ..Held::default() });
    };
    if *silent {
        return Look::Refuted(format!("a farewell: {}", show_packet(farewell)));
    }
    for field in demanded {
        if let Err(mismatch) = field.compare(farewell, bindings) {
            return Look::Refuted(format!("{}, in: {}", mismatch.actual, show_packet(farewell)));
        }
    }
    let advice = should.iter().filter_map(|field| field.compare(farewell, bindings).err()).collect();
    Look::Holds(Held { advice, ..Held::default() })
}
