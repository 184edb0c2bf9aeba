//! Which scenarios an argument means: a path, a folder, a statement, a section or a version.

use mqspec_conformance::statement::{Catalogue, Standard, Statement, nearest};
use mqspec_wire::Spec;

use crate::suite::{Suite, Trial};

/// One selector, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// A scenario or a folder of scenarios: names below the suite's folder.
    Name(String),
    /// One version of a scenario, as lists and reports print it, `mqtt/qos-2/x@mqtt-5.0`, or of a folder's.
    Address(String, Spec),
    /// Every scenario of a version.
    Version(Spec),
    /// Scenarios that claim one of these statements (full ids).
    Statements(Vec<String>),
}

/// A selector that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("`{selector}` selects nothing: {why}")]
pub struct UnknownSelector {
    /// As the user wrote it.
    pub selector: String,
    /// What it is not.
    pub why: &'static str,
    /// What might have been meant.
    #[help]
    pub help: Option<String>,
}

impl Selector {
    /// Understands a selector.
    ///
    /// # Errors
    ///
    /// What is neither a path in the suite nor in the catalogue, with the nearest that is.
    pub fn parse(text: &str, suite: &Suite, catalogue: &Catalogue) -> Result<Self, UnknownSelector> {
        if let Some(spec) = Spec::parse(text) {
            return Ok(Self::Version(spec));
        }
        let name = suite.name_of(text);
        if text.trim_matches(['/', ' ']).is_empty() {
            return Err(UnknownSelector {
                selector: text.to_owned(),
                why: "it names nothing",
                help: Some(String::from("leave the selector out, or write `.`, to mean everything")),
            });
        }
        if suite.is_folder(text) {
            return Ok(Self::Name(String::new()));
        }
        if let Some((below, spec)) = name.rsplit_once('@')
            && let Some(spec) = Spec::parse(spec)
            && let below = below.trim_end_matches('/')
            && suite.files.iter().any(|file| is_below(&file.name, below))
        {
            return Ok(Self::Address(below.to_owned(), spec));
        }
        if suite.files.iter().any(|file| is_below(&file.name, &name)) {
            return Ok(Self::Name(name));
        }
        let statements = find_statements(text, catalogue);
        if statements.is_empty() {
            return Err(unknown(text, &name, suite, catalogue));
        }
        Ok(Self::Statements(statements.into_iter().map(|statement| statement.full_id.clone()).collect()))
    }

    /// Whether a file can hold a trial that it selects, before the file is understood.
    pub fn may_select(&self, name: &str) -> bool {
        match self {
            Self::Name(below) | Self::Address(below, _) => is_below(name, below),
            Self::Version(_) | Self::Statements(_) => true,
        }
    }

    /// Whether it selects a trial.
    pub fn selects(&self, trial: &Trial) -> bool {
        match self {
            Self::Name(folder) => is_below(&trial.name, folder),
            Self::Address(below, spec) => is_below(&trial.name, below) && *spec == trial.plan.spec,
            Self::Version(spec) => *spec == trial.plan.spec,
            Self::Statements(ids) => trial.plan.statements.iter().any(|claimed| ids.contains(claimed)),
        }
    }
}

/// Every statement that an id or an address means; none where it means nothing.
///
/// An address is a version and a section, or the name of an AMQP class or method, and may end in the number of
/// a statement: `mqtt5/3.3.1`, `mqtt5/3.3.1/2`, `amqp091/basic.ack`, `amqp091/confirms`.
pub fn find_statements<'c>(text: &str, catalogue: &'c Catalogue) -> Vec<&'c Statement> {
    let by_id = catalogue.find_all(text);
    if !by_id.is_empty() {
        return by_id;
    }
    let Some((standard, address)) = text.split_once('/') else { return Vec::new() };
    let Some(standards) = standards(standard) else { return Vec::new() };
    let (section, number) = match address.rsplit_once('/') {
        Some((section, number)) => (section, Some(number)),
        None => (address, None),
    };
    standards
        .iter()
        .flat_map(|standard| catalogue.of(*standard))
        .filter(|statement| stands_in(statement, section))
        .filter(|statement| number.is_none_or(|number| has_number(statement, number)))
        .collect()
}

/// The standards that the first part of an address names: a version's names include its extensions.
fn standards(name: &str) -> Option<&'static [Standard]> {
    if let Some(spec) = Spec::parse(name) {
        return Some(Standard::of(spec));
    }
    Standard::ALL.iter().position(|standard| standard.id() == name).and_then(|at| Standard::ALL.get(at..=at))
}

/// Whether a statement belongs to a section: by its own number or name, or by where it stands.
fn stands_in(statement: &Statement, section: &str) -> bool {
    let own = statement.id.split_once('-').map_or("", |(_, own)| own);
    let begins = |text: &str, ends: &[char]| {
        text.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
    };
    begins(own, &['.', '-'])
        || statement.section.split(';').map(str::trim).any(|section| {
            begins(section, &['.'])
                || section.strip_prefix("ref ").is_some_and(|number| begins(number, &['.']))
        })
}

/// Whether a statement's id ends in this number (or name) of its section: `2` is `MQTT-3.3.1-2`, `1` is
/// `AMQP-basic.qos.prefetch-count-01`.
fn has_number(statement: &Statement, number: &str) -> bool {
    let last = statement.id.rsplit('-').next().unwrap_or_default();
    match (last.parse::<u32>(), number.parse::<u32>()) {
        (Ok(last), Ok(number)) => last == number,
        _ => statement.id.strip_suffix(number).is_some_and(|rest| rest.ends_with('-')),
    }
}

fn is_below(name: &str, folder: &str) -> bool {
    folder.is_empty()
        || name.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unknown(text: &str, name: &str, suite: &Suite, catalogue: &Catalogue) -> UnknownSelector {
    let (why, nearest) = if let Some((standard, _)) = text.split_once('/')
        && (standards(standard).is_some())
    {
        ("no statement has this id or address", catalogue.suggest(None, text).map(|found| &*found.full_id))
    } else if let Some(found) = catalogue.suggest(None, text) {
        ("no statement has this id", Some(found.id))
    } else {
        let folders = suite.files.iter().flat_map(|file| {
            file.name.match_indices('/').filter_map(|(end, _)| file.name.get(..end)).chain([&*file.name])
        });
        // `retained` may be the last part of `mqtt/retained`.
        let ending = format!("/{name}");
        let found = folders.clone().find(|folder| folder.ends_with(&ending));
        (
            "it is no scenario, folder, statement id or address (`mqtt5/3.3.1/2`)",
            found.or_else(|| nearest(name, folders)),
        )
    };
    let help = nearest.map_or_else(
        || String::from("`mqspec list` prints every scenario, `mqspec coverage` counts every standard"),
        |nearest| format!("did you mean `{nearest}`?"),
    );
    UnknownSelector { selector: text.to_owned(), why, help: Some(help) }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::path::PathBuf;

    use super::*;
    use crate::suite::ScenarioFile;

    fn suite() -> Suite {
        let file = |name: &str| ScenarioFile {
            name: name.to_owned(),
            path: format!("scenarios/{name}.yaml"),
            text: Cow::Borrowed(""),
        };
        Suite {
            files: ["amqp/ack/multiple", "mqtt/qos-2/pubrel-resent"].map(file).to_vec(),
            folder: PathBuf::from("scenarios"),
        }
    }

    fn parse(text: &str) -> Result<Selector, UnknownSelector> {
        Selector::parse(text, &suite(), Catalogue::load())
    }

    fn ids(text: &str) -> Vec<String> {
        find_statements(text, Catalogue::load()).iter().map(|found| found.full_id.clone()).collect()
    }

    #[test]
    fn paths_and_folders_are_names() {
        for (text, name) in [
            ("mqtt", "mqtt"),
            ("scenarios/mqtt/qos-2/", "mqtt/qos-2"),
            ("scenarios/mqtt/qos-2/pubrel-resent.yaml", "mqtt/qos-2/pubrel-resent"),
        ] {
            assert_eq!(parse(text), Ok(Selector::Name(name.to_owned())), "{text}");
        }
        assert!(!Selector::Name(String::from("mqtt/qos")).may_select("mqtt/qos-2/pubrel-resent"));
        assert!(Selector::Name(String::from("mqtt")).may_select("mqtt/qos-2/pubrel-resent"));
    }

    #[test]
    fn the_suites_folder_is_everything_and_an_empty_name_is_a_mistake() {
        for text in [".", "./", "scenarios", "scenarios/", "./scenarios/"] {
            assert_eq!(parse(text), Ok(Selector::Name(String::new())), "{text}");
        }
        for text in ["", " ", "/", "//"] {
            let unknown = parse(text).expect_err("it names nothing");
            assert!(unknown.help.is_some_and(|help| help.contains("everything")), "{text}");
        }
    }

    #[test]
    fn a_printed_address_selects_one_version() {
        let selector = Selector::Address(String::from("mqtt/qos-2/pubrel-resent"), Spec::Mqtt50);
        for text in ["mqtt/qos-2/pubrel-resent@mqtt-5.0", "scenarios/mqtt/qos-2/pubrel-resent@mqtt5"] {
            assert_eq!(parse(text).as_ref(), Ok(&selector), "{text}");
        }
        assert!(selector.may_select("mqtt/qos-2/pubrel-resent"));
        assert!(!selector.may_select("mqtt/qos-2/pubrel"));
    }

    #[test]
    fn a_folder_has_versions_too() {
        let selector = parse("mqtt/qos-2@mqtt-5.0").expect("a folder in one version");
        assert_eq!(selector, Selector::Address(String::from("mqtt/qos-2"), Spec::Mqtt50));
        assert!(selector.may_select("mqtt/qos-2/pubrel-resent"));
        assert!(parse("mqtt/qos-9@mqtt-5.0").is_err());
    }

    #[test]
    fn versions_have_two_names() {
        assert_eq!(parse("mqtt5"), Ok(Selector::Version(Spec::Mqtt50)));
        assert_eq!(parse("amqp-0-9-1"), Ok(Selector::Version(Spec::Amqp091)));
    }

    #[test]
    fn a_bare_id_means_every_version_that_has_it() {
        assert_eq!(ids("MQTT-4.3.3-1").len(), 2);
        assert_eq!(ids("mqtt-5.0/MQTT-4.3.3-1"), ["mqtt-5.0/MQTT-4.3.3-1"]);
    }

    #[test]
    fn an_address_is_a_section_or_one_of_its_statements() {
        assert_eq!(ids("mqtt5/3.3.1/2"), ["mqtt-5.0/MQTT-3.3.1-2"]);
        assert!(ids("mqtt5/3.3.1").contains(&String::from("mqtt-5.0/MQTT-3.3.1-2")));
        assert!(ids("mqtt311/3.3.1").iter().all(|id| id.starts_with("mqtt-3.1.1/")));
        assert!(!ids("mqtt5/3.3").iter().any(|id| id.contains("MQTT-3.31")));
        assert_eq!(ids("mqtt5/3.3.1/99"), Vec::<String>::new());
    }

    #[test]
    fn amqp_addresses_are_classes_methods_and_extensions() {
        let acks = ids("amqp091/basic.ack");
        assert!(acks.contains(&String::from("amqp-0-9-1/AMQP-basic.ack.multiple-up-to")), "{acks:?}");
        assert!(acks.contains(&String::from("amqp-0-9-1/AMQP-basic.ack-single")), "{acks:?}");
        assert!(acks.len() < ids("amqp091/basic").len());
        assert!(ids("amqp091/confirms").contains(&String::from("rabbitmq/RMQ-confirm-select")));
        assert_eq!(
            ids("amqp091/basic.qos.prefetch-count/1"),
            ["amqp-0-9-1/AMQP-basic.qos.prefetch-count-01"]
        );
    }

    #[test]
    fn what_means_nothing_comes_with_what_may_have_been_meant() {
        let help = |text| parse(text).expect_err("it means nothing").help.unwrap_or_default();
        assert_eq!(help("qos-2"), "did you mean `mqtt/qos-2`?");
        assert_eq!(help("mqtt/qos2"), "did you mean `mqtt/qos-2`?");
        assert_eq!(help("MQTT-4.33-10"), "did you mean `MQTT-4.3.3-10`?");
        assert_eq!(help("mqtt-5.0/MQTT-4.3.3-1O"), "did you mean `mqtt-5.0/MQTT-4.3.3-1`?");
        assert!(help("kafka").contains("mqspec list"));
    }
}
