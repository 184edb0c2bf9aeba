//! What all checks share: collecting findings, and statements whose numbers differ between versions.

use mqspec_wire::Spec;

use crate::verdict::{Finding, Gravity};

/// A rule with the statements that say it, as full ids. A rule with no id in a version does not exist there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// In MQTT 3.1.1.
    pub(super) mqtt_3_1_1: &'static [&'static str],
    /// In MQTT 5.0.
    pub(super) mqtt_5_0: &'static [&'static str],
}

impl Rule {
    /// The ids in a version of MQTT; none for AMQP.
    pub(super) const fn statements(self, spec: Spec) -> &'static [&'static str] {
        match spec {
            Spec::Mqtt311 => self.mqtt_3_1_1,
            Spec::Mqtt50 => self.mqtt_5_0,
            Spec::Amqp091 => &[],
        }
    }
}

/// Collects what one check finds.
#[derive(Debug)]
pub(super) struct Findings {
    check: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    /// An empty collection for the check of this name.
    pub(super) const fn new(check: &'static str) -> Self {
        Self { check, found: Vec::new() }
    }

    /// Notes that an MQTT broker broke a rule, unless the version does not know the rule.
    pub(super) fn rule(
        &mut self,
        spec: Spec,
        rule: Rule,
        event: u64,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        let statements = rule.statements(spec);
        if !statements.is_empty() {
            self.must(statements, event, expected, actual);
        }
    }

    /// Notes a broken MUST.
    pub(super) fn must(
        &mut self,
        statements: &[&str],
        event: u64,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        self.add(Gravity::Must, statements, event, expected.into(), actual.into());
    }

    /// Notes a departure from a recommendation.
    pub(super) fn should(
        &mut self,
        statements: &[&str],
        event: u64,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) {
        self.add(Gravity::Should, statements, event, expected.into(), actual.into());
    }

    fn add(&mut self, gravity: Gravity, statements: &[&str], event: u64, expected: String, actual: String) {
        self.found.push(Finding {
            statements: statements.iter().map(|id| (*id).to_owned()).collect(),
            gravity,
            origin: None,
            check: self.check,
            expected,
            actual,
            event: Some(event),
        });
    }

    /// What was found, in the order of the trace.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.found
    }
}
