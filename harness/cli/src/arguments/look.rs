//! What looks things up, shows them or proves them: everything that runs no scenario of the user's.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mqspec_wire::{Side, Spec};

use super::parse_spec;

/// `mqspec fuzz-to-scenario`.
#[derive(Debug, Args)]
pub struct FuzzToScenarioArguments {
    /// The fuzz target that the input is for: `broker_mqtt`, `decode_amqp`, …
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// The input: a crash that libFuzzer left, or any file of a corpus.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `mqspec explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// A statement id (`MQTT-4.3.3-10`, `mqtt-5.0/MQTT-4.3.3-10`) or an address (`mqtt5/4.3.3`).
    #[arg(value_name = "STATEMENT|SECTION")]
    pub subject: String,
}

/// `mqspec mutants`.
#[derive(Debug, Default, Args)]
pub struct MutantsArguments {
    /// Names of mutants, or parts of names (`puback`, `@mqtt-5.0`). Several add up. [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Print JSON (docs/OUTPUT.md).
    #[arg(long)]
    pub json: bool,
    /// Print the mutants, their lies and what they break, and stop.
    #[arg(long, conflicts_with = "json")]
    pub list: bool,
    /// Read mutants from this file instead of those built in; may be given several times (docs/MUTANTS.md).
    #[arg(long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// Print the survivors, not the killed ones.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `mqspec coverage`.
#[derive(Debug, Args)]
pub struct CoverageArguments {
    /// Print JSON (docs/OUTPUT.md).
    #[arg(long)]
    pub json: bool,
}

/// `mqspec decode`.
#[derive(Debug, Args)]
pub struct DecodeArguments {
    /// What the bytes are: `mqtt-3.1.1`, `mqtt-5.0` or `amqp-0-9-1`.
    #[arg(long, value_name = "SPEC", value_parser = parse_spec)]
    pub spec: Spec,
    /// Who sent them: what is lawful differs by side.
    #[arg(long, value_name = "SIDE", value_enum, default_value_t = SideArgument::Client)]
    pub from: SideArgument,
    /// Print JSON (docs/OUTPUT.md).
    #[arg(long)]
    pub json: bool,
    /// Take the file's (or stdin's) bytes as they are, also where they look like hex digits.
    #[arg(long)]
    pub binary: bool,
    /// Hex digits (`'e0 01 04'`), a file of hex digits or of raw bytes, or `-` for stdin.
    #[arg(value_name = "HEX|FILE|-", required = true)]
    pub input: Vec<String>,
}

/// A side as a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SideArgument {
    /// The peer that opened the connection.
    Client,
    /// The broker.
    Server,
}

impl From<SideArgument> for Side {
    fn from(side: SideArgument) -> Self {
        match side {
            SideArgument::Client => Self::Client,
            SideArgument::Server => Self::Server,
        }
    }
}

/// `mqspec schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Of what.
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// `test --report json=FILE`.
    Test,
    /// `coverage --json`.
    Coverage,
    /// `decode --json`.
    Decode,
    /// A scenario file, for editors.
    Scenario,
    /// `mutants --json`.
    Mutants,
    /// `sweep --json` and `merge --json`.
    Sweep,
    /// `explore --json`.
    Explore,
    /// `explore --mutant NAME --json`.
    ExploreMutants,
}
