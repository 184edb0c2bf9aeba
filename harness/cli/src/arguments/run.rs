//! What runs scenarios once: `test` and `replay`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mqspec_wire::Spec;

use super::{Selection, parse_spec};
use crate::report::ReportTarget;
use crate::seed::Seed;

/// `mqspec test`.
#[derive(Debug, Default, Args)]
pub struct TestArguments {
    /// Which scenarios.
    #[command(flatten)]
    pub selection: Selection,
    /// Test a running broker: `mqtt://host:port`, `amqp://user:password@host:port/vhost` or a profile file
    /// [default: the reference broker in the simulator].
    #[arg(long, value_name = "URL|PROFILE")]
    pub broker: Option<String>,
    /// Write a report for programs; may be given several times.
    #[arg(long, value_name = "json=FILE|junit=FILE")]
    pub report: Vec<ReportTarget>,
    /// Where all chance comes from; the same seed gives the same run.
    #[arg(long, value_name = "N", default_value_t, allow_hyphen_values = true)]
    pub seed: Seed,
    /// How many scenarios run at a time [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub jobs: Option<u16>,
    /// Print the addresses of what would run, one a line, and stop.
    #[arg(long)]
    pub list: bool,
    /// Check the selection and print its steps without running anything.
    #[arg(long, conflicts_with = "list")]
    pub dry_run: bool,
    /// Count a SHOULD as a MUST.
    #[arg(long)]
    pub strict: bool,
    /// Print what failed, not what passed.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `mqspec replay`.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The scenario file.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The protocol version to run it for [default: each that it lists].
    #[arg(long, value_name = "SPEC", value_parser = parse_spec)]
    pub protocol: Option<Spec>,
    /// The seed of the run to repeat.
    #[arg(long, value_name = "S", default_value_t, allow_hyphen_values = true)]
    pub seed: Seed,
    /// Run it against this broker instead of the simulator.
    #[arg(long, value_name = "URL|PROFILE")]
    pub broker: Option<String>,
    /// The engine where no broker is given.
    #[arg(long, value_enum, default_value_t, conflicts_with = "broker")]
    pub world: Engine,
    /// Let the reference broker tell the lie of this mutant (`mqspec mutants --list`).
    #[arg(long, value_name = "NAME", conflicts_with = "broker")]
    pub mutant: Option<String>,
    /// Leave out the bytes of the packets.
    #[arg(long)]
    pub no_bytes: bool,
    /// Count a SHOULD as a MUST.
    #[arg(long)]
    pub strict: bool,
}

/// What runs a plan against the reference broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// turmoil's hosts and network, with virtual time.
    #[default]
    Simulated,
    /// Pipes in memory, with virtual time: the same verdicts, several times as fast.
    Memory,
}

impl Engine {
    /// As `--world` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Memory => "memory",
        }
    }
}
