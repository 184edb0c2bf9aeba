//! The catalogue is what its README publishes, and a broken table does not pass.

use mqspec_wire::Spec;

use super::{Actor, Catalogue, CatalogueError, Level, Observe, Standard, Strength};

fn count(standard: Standard, select: impl Fn(&super::Statement) -> bool) -> usize {
    Catalogue::load().of(standard).filter(|statement| statement.numbered && select(statement)).count()
}

#[test]
fn counts_are_as_published() {
    for (standard, statements, reachable, core) in [
        (Standard::Mqtt311, 141, 126, 0),
        (Standard::Mqtt50, 251, 237, 0),
        (Standard::Amqp091, 423, 384, 227),
        (Standard::RabbitMq, 253, 248, 39),
    ] {
        let counts = Catalogue::load().counts(standard);
        assert_eq!(
            (counts.statements, counts.reachable, counts.core),
            (statements, reachable, core),
            "{standard}"
        );
    }
}

#[test]
fn counts_per_actor_are_as_published() {
    for (standard, published) in [
        (Standard::Mqtt311, [69, 39, 33]),
        (Standard::Mqtt50, [117, 56, 78]),
        (Standard::Amqp091, [258, 52, 113]),
        (Standard::RabbitMq, [245, 7, 1]),
    ] {
        let counted = Actor::ALL.map(|actor| count(standard, |statement| statement.actor == actor));
        assert_eq!(counted, published, "{standard}");
    }
}

#[test]
fn counts_per_way_of_observing_are_as_published() {
    // wire, wire-error, fault, restart, config, client, untestable
    for (standard, published) in [
        (Standard::Mqtt311, [50, 50, 19, 1, 6, 12, 3]),
        (Standard::Mqtt50, [125, 63, 28, 0, 21, 13, 1]),
        (Standard::Amqp091, [230, 125, 9, 9, 11, 17, 22]),
        (Standard::RabbitMq, [166, 46, 11, 4, 21, 3, 2]),
    ] {
        let counted = Observe::ALL.map(|observe| count(standard, |statement| statement.observe == observe));
        assert_eq!(counted, published, "{standard}");
    }
}

#[test]
fn ids_shared_by_both_mqtt_versions_are_as_published() {
    let catalogue = Catalogue::load();
    let shared = catalogue
        .of(Standard::Mqtt311)
        .filter(|statement| statement.numbered && catalogue.find_in(Spec::Mqtt50, statement.id).is_some())
        .count();
    assert_eq!(shared, 119);
}

#[test]
fn summaries_fit_a_line_of_a_report() {
    for statement in Catalogue::load().iter() {
        assert!(statement.summary.is_ascii() && statement.notes.is_ascii(), "{}", statement.key);
        assert!(statement.summary.len() <= 160, "{} is {} letters", statement.key, statement.summary.len());
    }
}

#[test]
fn what_cannot_be_tested_says_why() {
    for statement in Catalogue::load().iter().filter(|statement| statement.observe == Observe::Untestable) {
        assert!(!statement.notes.is_empty(), "{}", statement.key);
    }
}

#[test]
fn every_statement_is_found_by_its_ids() {
    let catalogue = Catalogue::load();
    for statement in catalogue.iter() {
        assert_eq!(catalogue.find(statement.key.as_str()), Some(statement));
        assert_eq!(catalogue.find_in(statement.standard.spec(), statement.id), Some(statement));
        assert_eq!(catalogue.find_in(statement.standard.spec(), &statement.full_id), Some(statement));
        assert_eq!(statement.key.statement(), statement);
    }
}

#[test]
fn an_id_means_what_its_protocol_says() {
    let catalogue = Catalogue::load();
    let section = |spec, id| catalogue.find_in(spec, id).map(|statement| statement.full_id.as_str());
    assert_eq!(section(Spec::Mqtt311, "MQTT-4.4.0-1"), Some("mqtt-3.1.1/MQTT-4.4.0-1"));
    assert_eq!(section(Spec::Mqtt50, "MQTT-4.4.0-1"), Some("mqtt-5.0/MQTT-4.4.0-1"));
    assert_eq!(section(Spec::Mqtt311, "mqtt-5.0/MQTT-4.4.0-1"), None);
    assert_eq!(section(Spec::Amqp091, "RMQ-confirm-select"), Some("rabbitmq/RMQ-confirm-select"));
    assert_eq!(section(Spec::Mqtt50, "RMQ-confirm-select"), None);
    assert_eq!(catalogue.find_all("MQTT-4.4.0-1").len(), 2);
}

#[test]
fn a_typo_is_recognised() {
    let catalogue = Catalogue::load();
    let suggestion = |spec, typed| catalogue.suggest(spec, typed).map(|statement| statement.full_id.as_str());
    assert_eq!(suggestion(Some(Spec::Mqtt311), "MQTT-3.8.3-4"), Some("mqtt-3.1.1/MQTT-3-8.3-4"));
    assert_eq!(suggestion(Some(Spec::Mqtt50), "mqtt-4.4.0-1"), Some("mqtt-5.0/MQTT-4.4.0-1"));
    assert_eq!(suggestion(None, "mqtt-5/MQTT-4.4.0-1"), Some("mqtt-5.0/MQTT-4.4.0-1"));
    assert_eq!(suggestion(Some(Spec::Amqp091), "RMQ-confirms-select"), Some("rabbitmq/RMQ-confirm-select"));
    assert_eq!(suggestion(Some(Spec::Mqtt50), "something else entirely"), None);
}

#[test]
fn levels_are_read_as_they_are_written() {
    for level in Level::ALL {
        assert_eq!(Level::parse(level.id()), Some(level));
    }
    assert_eq!(Level::parse("SHALL"), None);
    assert_eq!(Level::MustAndMay.strength(), Strength::Must);
    assert_eq!(Level::Implied.strength(), Strength::Must);
    assert_eq!(Level::ShouldNot.strength(), Strength::Should);
    assert_eq!(Level::May.strength(), Strength::May);
    assert!(Strength::May < Strength::Should && Strength::Should < Strength::Must);
}

#[test]
fn rules_without_a_label_are_there_and_counted_apart() {
    let catalogue = Catalogue::load();
    let rule = catalogue.find("mqtt-5.0/MQSPEC-2.2.2.2-property-repeated").expect("the codec notices it");
    assert!(!rule.numbered);
    assert_eq!(catalogue.find_in(Spec::Mqtt50, "MQSPEC-2.2.2.2-property-repeated"), Some(rule));
    for standard in [Standard::Mqtt311, Standard::Mqtt50, Standard::Amqp091] {
        assert!(catalogue.counts(standard).unnumbered > 0, "{standard}");
    }
}

#[test]
fn a_broken_table_is_refused() {
    const HEADER: &str = "id\tsection\tlevel\tactor\tobserve\tsummary\tnotes\n";
    let read = |table: &str| {
        let table: &'static str = Box::leak(table.to_owned().into_boxed_str());
        Catalogue::read(&[(Standard::Mqtt50, table)], &[]).map(|catalogue| catalogue.iter().count())
    };
    let row = |text: &str| read(&format!("{HEADER}{text}\n"));
    assert_eq!(row("MQTT-1-1\t1\tMUST\tboth\twire\tSomething.\t"), Ok(1));
    assert_eq!(read("id\tsection\n"), Err(CatalogueError::Header("id\tsection".to_owned())));
    assert_eq!(row("MQTT-1-1\t1\tMUST"), Err(CatalogueError::Columns { line: 2, columns: 3 }));
    assert!(matches!(
        row("AMQP-1-1\t1\tMUST\tboth\twire\tSomething.\t"),
        Err(CatalogueError::Id { line: 2, .. })
    ));
    for (text, wrong) in [
        ("MQTT-1-1\t1\tSHALL\tboth\twire\tSomething.\t", "level"),
        ("MQTT-1-1\t1\tMUST\tpeer\twire\tSomething.\t", "actor"),
        ("MQTT-1-1\t1\tMUST\tboth\tguess\tSomething.\t", "observe"),
    ] {
        assert!(
            matches!(row(text), Err(CatalogueError::Value { line: 2, column, .. }) if column == wrong),
            "{text}"
        );
    }
    let twice = "MQTT-1-1\t1\tMUST\tboth\twire\tSomething.\t\n";
    assert_eq!(
        row(&format!("{twice}{}", twice.trim_end_matches('\n'))),
        Err(CatalogueError::Duplicate("mqtt-5.0/MQTT-1-1".to_owned()))
    );
}

#[test]
fn an_unnumbered_rule_belongs_to_the_standard_that_its_id_names() {
    const TABLE: &str = "id\tsection\tlevel\tactor\tobserve\tsummary\tnotes\n\
        mqtt-5.0/MQSPEC-2.2.2-repeated-property\t2.2.2.2\timplied\tboth\twire-error\tA property stands once.\t\n";
    let catalogue = Catalogue::read(&[], &[TABLE]).expect("the table is well-formed");
    let counts = catalogue.counts(Standard::Mqtt50);
    assert_eq!((counts.statements, counts.unnumbered), (0, 1));
    let nameless = Catalogue::read(
        &[],
        &["id\tsection\tlevel\tactor\tobserve\tsummary\tnotes\nMQSPEC-x\t1\tMUST\tboth\twire\tSo.\t\n"],
    );
    assert!(matches!(nameless, Err(CatalogueError::Id { line: 2, .. })));
}
