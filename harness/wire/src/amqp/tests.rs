//! Claims about the tables themselves.

use super::{layout, statement};

/// The ids in the first column of a catalogue.
fn ids(catalogue: &'static str) -> impl Iterator<Item = &'static str> {
    catalogue.lines().skip(1).filter_map(|line| line.split('\t').next())
}

fn catalogued(id: &str) -> bool {
    const CATALOGUE: &str = include_str!("../../../conformance/catalogue/amqp-0-9-1.tsv");
    const EXTENSIONS: &str = include_str!("../../../conformance/catalogue/amqp-rabbitmq-extensions.tsv");
    const OURS: &str = super::UNNUMBERED;
    let numbered = match id.split_once('/') {
        Some(("amqp-0-9-1", id)) => ids(CATALOGUE).any(|known| known == id),
        Some(("rabbitmq", id)) => ids(EXTENSIONS).any(|known| known == id),
        _ => false,
    };
    numbered || ids(OURS).any(|known| known == id)
}

#[test]
fn every_statement_stands_in_a_catalogue() {
    for id in statement::ALL {
        assert!(catalogued(id), "{id} is in no catalogue");
        assert_eq!(statement::ALL.iter().filter(|other| *other == id).count(), 1, "{id} has two names");
    }
}

#[test]
fn ids_of_ours_are_unique_and_used() {
    let ours: Vec<_> = ids(super::UNNUMBERED).collect();
    for id in &ours {
        assert_eq!(ours.iter().filter(|other| *other == id).count(), 1, "{id} stands twice");
        assert!(statement::ALL.contains(id), "{id} is not used");
    }
}

#[test]
fn methods_are_ordered_so_that_ids_can_be_looked_up() {
    let ids: Vec<_> = layout::METHODS.iter().map(|method| (method.class_id, method.method_id)).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}
