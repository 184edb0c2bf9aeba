//! Claims about the tables themselves.

use super::{layout, statement};

/// The ids in the first column of a catalogue.
fn ids(catalogue: &'static str) -> impl Iterator<Item = &'static str> {
    catalogue.lines().skip(1).filter_map(|line| line.split('\t').next())
}

#[test]
fn methods_are_ordered_so_that_ids_can_be_looked_up() {
    let ids: Vec<_> = layout::METHODS.iter().map(|method| (method.class_id, method.method_id)).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
}

#[test]
fn ids_of_ours_are_unique_and_used() {
    let ours: Vec<_> = ids(include_str!("unnumbered.tsv")).collect();
    for id in &ours {
        assert_eq!(ours.iter().filter(|other| *other == id).count(), 1, "{id} stands twice");
        assert!(statement::ALL.contains(&format!("amqp-0-9-1/{id}").as_str()), "{id} is not used");
    }
}
