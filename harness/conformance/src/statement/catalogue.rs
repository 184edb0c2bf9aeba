//! Reads the tables and finds statements in them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mqspec_wire::Spec;
use thiserror::Error;

use super::suggest::nearest;
use super::{Actor, Level, Observe, Standard, Statement, StatementId};

/// The published lists, a standard each.
const PUBLISHED: [(Standard, &str); 4] = [
    (Standard::Mqtt311, include_str!("../../catalogue/mqtt-3.1.1.tsv")),
    (Standard::Mqtt50, include_str!("../../catalogue/mqtt-5.0.tsv")),
    (Standard::Amqp091, include_str!("../../catalogue/amqp-0-9-1.tsv")),
    (Standard::RabbitMq, include_str!("../../catalogue/amqp-rabbitmq-extensions.tsv")),
];

/// Rules to which no standard gave a label, kept beside the codec that notices them. Their first column is the
/// full id.
const UNNUMBERED: [&str; 2] = [mqspec_wire::mqtt::UNNUMBERED, mqspec_wire::amqp::UNNUMBERED];

/// The first line of every table.
const HEADER: &str = "id\tsection\tlevel\tactor\tobserve\tsummary\tnotes";

/// Every statement of every standard, in the standards' order.
#[derive(Debug)]
pub struct Catalogue {
    statements: Vec<Statement>,
    by_full_id: BTreeMap<String, StatementId>,
}

/// How many statements a standard makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Labelled statements.
    pub statements: usize,
    /// Those of them that a test of a broker can reach ([`Statement::reachable`]).
    pub reachable: usize,
    /// Those of them that any broker must do ([`Statement::core`]).
    pub core: usize,
    /// Rules with an id of ours, counted apart.
    pub unnumbered: usize,
}

/// Why a table cannot be read: the line number counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CatalogueError {
    #[error("the first line is not the list of columns: {0:?}")]
    Header(String),
    #[error("line {line} has {columns} columns instead of 7")]
    Columns { line: usize, columns: usize },
    #[error("line {line}: `{id}` is not an id of its standard")]
    Id { line: usize, id: String },
    #[error("line {line}: unknown {column} `{value}`")]
    Value { line: usize, column: &'static str, value: String },
    #[error("`{0}` stands twice in the catalogue")]
    Duplicate(String),
    #[error("more statements than an id can number")]
    TooMany,
}

impl Catalogue {
    /// The catalogue that was compiled in.
    ///
    /// # Panics
    ///
    /// Never: the tables are part of this crate, and its tests read them.
    pub fn load() -> &'static Self {
        static LOADED: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::read(&PUBLISHED, &UNNUMBERED).expect("the compiled-in tables are well-formed")
        });
        &LOADED
    }

    /// Reads tables: the published ones, then those whose first column is a full id.
    pub(super) fn read(
        published: &[(Standard, &'static str)],
        unnumbered: &[&'static str],
    ) -> Result<Self, CatalogueError> {
        let tables = published
            .iter()
            .map(|(standard, table)| (Some(*standard), *table))
            .chain(unnumbered.iter().map(|table| (None, *table)));
        let mut catalogue = Self { statements: Vec::new(), by_full_id: BTreeMap::new() };
        for (standard, table) in tables {
            let mut lines = table.lines();
            let header = lines.next().unwrap_or_default();
            if header != HEADER {
                return Err(CatalogueError::Header(header.to_owned()));
            }
            for (index, line) in lines.enumerate() {
                catalogue.add(standard, index + 2, line)?;
            }
        }
        Ok(catalogue)
    }

    fn add(
        &mut self,
        standard: Option<Standard>,
        line: usize,
        row: &'static str,
    ) -> Result<(), CatalogueError> {
        let key =
            u16::try_from(self.statements.len()).map(StatementId).map_err(|_| CatalogueError::TooMany)?;
        let statement = parse_row(key, standard, line, row)?;
        if self.by_full_id.insert(statement.full_id.clone(), key).is_some() {
            return Err(CatalogueError::Duplicate(statement.full_id));
        }
        self.statements.push(statement);
        Ok(())
    }

    /// The statement that an id stands for.
    ///
    /// # Panics
    ///
    /// Never: ids are only made by the one catalogue.
    pub fn get(&self, key: StatementId) -> &Statement {
        self.statements.get(usize::from(key.0)).expect("an id comes from the catalogue")
    }

    /// Every statement: the standards in the order of [`Standard::ALL`], each in its own order, then the
    /// unnumbered ones.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter()
    }

    /// The statements of one standard, the unnumbered ones last.
    pub fn of(&self, standard: Standard) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter(move |statement| statement.standard == standard)
    }

    /// Looks up a full id.
    ///
    /// ```
    /// use mqspec_conformance::statement::Catalogue;
    ///
    /// let statement = Catalogue::load().find("mqtt-5.0/MQTT-2.1.3-1").expect("it exists");
    /// assert_eq!(statement.section, "2.1.3");
    /// ```
    pub fn find(&self, full_id: &str) -> Option<&Statement> {
        self.by_full_id.get(full_id).map(|key| self.get(*key))
    }

    /// Looks up an id as a scenario of one protocol writes it: bare or full. For AMQP both the standard and
    /// RabbitMQ's extensions are searched. A full id of another protocol is not found.
    pub fn find_in(&self, spec: Spec, id: &str) -> Option<&Statement> {
        Standard::of(spec).iter().find_map(|standard| match id.split_once('/') {
            Some((prefix, _)) if prefix == standard.id() => self.find(id),
            Some(_) => None,
            None => self.find(&format!("{standard}/{id}")),
        })
    }

    /// Every statement with this bare or full id, whichever the standard: `MQTT-4.3.3-10` has two.
    pub fn find_all(&self, id: &str) -> Vec<&Statement> {
        self.iter().filter(|statement| statement.id == id || statement.full_id == id).collect()
    }

    /// The statement that a mistyped id was probably meant to be, among those of a protocol or of all. The
    /// id may be bare or full.
    pub fn suggest(&self, spec: Option<Spec>, typed: &str) -> Option<&Statement> {
        let candidates =
            || self.iter().filter(move |statement| spec.is_none_or(|spec| statement.standard.spec() == spec));
        if typed.contains('/') {
            let full_id = nearest(typed, candidates().map(|statement| statement.full_id.as_str()))?;
            return self.find(full_id);
        }
        let id = nearest(typed, candidates().map(|statement| statement.id))?;
        candidates().find(|statement| statement.id == id)
    }

    /// How many statements a standard makes.
    pub fn counts(&self, standard: Standard) -> Counts {
        let mut counts = Counts::default();
        for statement in self.of(standard) {
            if statement.numbered {
                counts.statements += 1;
                counts.reachable += usize::from(statement.reachable());
                counts.core += usize::from(statement.core());
            } else {
                counts.unnumbered += 1;
            }
        }
        counts
    }
}

/// Reads one line. Without a standard, the first column names it.
fn parse_row(
    key: StatementId,
    standard: Option<Standard>,
    line: usize,
    row: &'static str,
) -> Result<Statement, CatalogueError> {
    let columns: Vec<&'static str> = row.split('\t').collect();
    let &[label, section, level, actor, observe, summary, notes] = columns.as_slice() else {
        return Err(CatalogueError::Columns { line, columns: columns.len() });
    };
    let not_an_id = || CatalogueError::Id { line, id: label.to_owned() };
    let unknown = |column, value: &str| CatalogueError::Value { line, column, value: value.to_owned() };
    let (owner, id) = if let Some(standard) = standard {
        (standard, label)
    } else {
        let (prefix, id) = label.split_once('/').ok_or_else(not_an_id)?;
        (Standard::parse(prefix).ok_or_else(not_an_id)?, id)
    };
    if !well_formed(owner, standard.is_some(), id) {
        return Err(not_an_id());
    }
    if section.is_empty() || summary.is_empty() {
        return Err(unknown("section or summary", ""));
    }
    Ok(Statement {
        key,
        standard: owner,
        id,
        full_id: format!("{owner}/{id}"),
        numbered: standard.is_some(),
        section,
        level: Level::parse(level).ok_or_else(|| unknown("level", level))?,
        actor: Actor::ALL
            .into_iter()
            .find(|known| known.id() == actor)
            .ok_or_else(|| unknown("actor", actor))?,
        observe: Observe::ALL
            .into_iter()
            .find(|known| known.id() == observe)
            .ok_or_else(|| unknown("observe", observe))?,
        summary,
        notes,
    })
}

/// Whether an id has its standard's prefix and a rest of letters, digits, dots and dashes.
fn well_formed(standard: Standard, numbered: bool, id: &str) -> bool {
    let prefix = match (numbered, standard) {
        (false, _) => "MQSPEC-",
        (true, Standard::Mqtt311 | Standard::Mqtt50) => "MQTT-",
        (true, Standard::Amqp091) => "AMQP-",
        (true, Standard::RabbitMq) => "RMQ-",
    };
    id.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    })
}
