//! Where mutants come from: the files of `mutants/`, built in.

use super::Mutant;
use crate::scenario::{Diagnostics, lower_mutants, parse};

/// The files of `harness/conformance/mutants/`: name and text.
const FILES: &[(&str, &str)] = &[
    ("amqp-extensions.yaml", include_str!("../../mutants/amqp-extensions.yaml")),
    ("amqp-hostile.yaml", include_str!("../../mutants/amqp-hostile.yaml")),
    ("amqp-messages.yaml", include_str!("../../mutants/amqp-messages.yaml")),
    ("amqp-queues.yaml", include_str!("../../mutants/amqp-queues.yaml")),
    ("crashes-mqtt.yaml", include_str!("../../mutants/crashes-mqtt.yaml")),
    ("crashes-amqp.yaml", include_str!("../../mutants/crashes-amqp.yaml")),
    ("faults-durability.yaml", include_str!("../../mutants/faults-durability.yaml")),
    ("faults-mqtt.yaml", include_str!("../../mutants/faults-mqtt.yaml")),
    ("faults-amqp.yaml", include_str!("../../mutants/faults-amqp.yaml")),
    ("mqtt-connect.yaml", include_str!("../../mutants/mqtt-connect.yaml")),
    ("mqtt-hostile.yaml", include_str!("../../mutants/mqtt-hostile.yaml")),
    ("mqtt-malformed.yaml", include_str!("../../mutants/mqtt-malformed.yaml")),
    ("mqtt-publish.yaml", include_str!("../../mutants/mqtt-publish.yaml")),
    ("mqtt-subscribe.yaml", include_str!("../../mutants/mqtt-subscribe.yaml")),
];

/// Every mutant that comes with mqspec, sorted by name.
///
/// # Panics
///
/// On a mistake in a file of ours; a test loads them all.
pub fn built_in() -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for (name, text) in FILES {
        match load(name, text) {
            Ok(loaded) => mutants.extend(loaded),
            Err(diagnostics) => panic!("{:?}", miette::Report::new(diagnostics)),
        }
    }
    mutants.sort_by(|left, right| left.name.cmp(&right.name));
    mutants
}

/// Reads a file of mutants: one for each version that a mutant breaks statements of.
///
/// # Errors
///
/// Everything that is wrong with the file, each thing with its place and with what would be right.
pub fn load(path: &str, text: &str) -> Result<Vec<Mutant>, Diagnostics> {
    let failed = |problems| Diagnostics::new(path, text, problems);
    let root = parse(text).map_err(failed)?;
    lower_mutants(text, &root).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mutants");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        let built_in: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, built_in);
    }

    #[test]
    fn names_are_unique() {
        let mutants = built_in();
        let names: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.name.as_str()).collect();
        assert_eq!(names.len(), mutants.len());
    }

    fn problems(text: &str) -> Vec<String> {
        let diagnostics = load("mutants/x.yaml", text).expect_err("it has mistakes");
        diagnostics.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_typo_is_pointed_at() {
        let told = problems(
            "- name: a\n  lie: b\n  breaks: { mqtt-5.0: [MQTT-4.4.0-1] }\n  rewrites:\n    - { broker: publisch, drop: true }\n",
        );
        assert_eq!(told, ["there is no packet `publisch`"]);
        let told = problems(
            "- name: a\n  lie: b\n  breaks: { mqtt-5.0: [MQTT-4.4.0-1] }\n  rewrites:\n    - { broker: publish, dropp: true }\n",
        );
        assert_eq!(told.len(), 2, "the key, and that nothing is changed: {told:?}");
    }

    #[test]
    fn a_mutant_without_a_lie_is_none() {
        let told = problems("- name: a\n  breaks: { mqtt-5.0: [MQTT-4.4.0-1] }\n");
        assert_eq!(
            told,
            ["a mutant needs `lie`", "a mutant rewrites something, or has another `clock` or `disk`"]
        );
    }
}
