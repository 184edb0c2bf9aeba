//! The command line as clap reads it.

use std::net::IpAddr;
use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mqspec_wire::{Side, Spec};

use crate::report::ReportTarget;
use crate::seed::Seed;
use crate::shard::{Shard, parse_seeds};

/// Protocol conformance and deterministic simulation tests for MQTT 3.1.1, MQTT 5.0 and AMQP 0-9-1 brokers.
#[derive(Debug, Parser)]
#[command(
    name = "mqspec",
    version,
    after_help = "Exit codes: 0 every selected statement holds · 1 a failure · 2 bad input · \
                  3 the environment failed (never a pass)"
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Read scenarios from this folder [default: ./scenarios, else the ones built into this program].
    #[arg(long, global = true, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
}

/// What mqspec can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios: in the simulator against the reference broker, or against a running broker.
    Test(TestArguments),
    /// List scenarios with the versions that they are for.
    List(Selection),
    /// Run one scenario and print everything that happened, packet by packet.
    Replay(ReplayArguments),
    /// Run scenarios under many seeds, on all cores; a shard of it, or what a killed one has left to do.
    Sweep(SweepArguments),
    /// Draw workloads and faults, run them, and shrink what fails to a scenario.
    Explore(ExploreArguments),
    /// Add the JSON reports of a sweep's shards up.
    Merge(MergeArguments),
    /// Say what a statement (or a section) means and which scenarios claim it.
    Explain(ExplainArguments),
    /// Prove that the suite can fail: brokers with one lie each, which scenarios must convict.
    Mutants(MutantsArguments),
    /// Count the statements of each standard that scenarios claim.
    Coverage(CoverageArguments),
    /// Show bytes packet by packet and field by field, with the statements that they break.
    Decode(DecodeArguments),
    /// Write what a fuzzer found as a scenario.
    FuzzToScenario(FuzzToScenarioArguments),
    /// Run the reference broker on real sockets.
    Broker(BrokerArguments),
    /// Stand between any client and any broker: strike with faults, tell what passes, judge the broker.
    Proxy(ProxyArguments),
    /// Print the JSON Schema of scenario files or of an output.
    Schema(SchemaArguments),
}

/// Which scenarios.
#[derive(Debug, Default, Args)]
pub struct Selection {
    /// A file, a folder (`mqtt/qos-2`), a statement id (`MQTT-4.3.3-10`) or an address `spec/section[/n]`
    /// (`mqtt5/3.3.1/2`, `amqp091/basic.ack`). Several add up. [default: everything]
    #[arg(value_name = "SELECTOR")]
    pub selectors: Vec<String>,
}

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

/// `mqspec explore`.
#[derive(Debug, Args)]
pub struct ExploreArguments {
    /// What the clients speak.
    #[arg(long, value_name = "VERSION", value_parser = parse_spec)]
    pub spec: Spec,
    /// How many cases to draw.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub cases: u64,
    /// Where all chance comes from.
    #[arg(long, value_name = "SEED", default_value_t, allow_hyphen_values = true)]
    pub seed: Seed,
    /// Explore mutants instead of the correct broker: those with this in their names, `under-faults` for those that show
    /// only under faults, `all` for every one.
    #[arg(long, value_name = "NAME")]
    pub mutant: Vec<String>,
    /// Read mutants from this file instead of those built in.
    #[arg(long, value_name = "FILE", requires = "mutant")]
    pub file: Vec<PathBuf>,
    /// Try each mutant from this many seeds, and say how many cases it takes in the median.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "mutant", value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: u64,
    /// Run only the case of this number, and print its scenario.
    #[arg(long, value_name = "NUMBER", conflicts_with = "mutant")]
    pub case: Option<u64>,
    /// Shrink this many failures, and write them as scenarios.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub shrink: usize,
    /// Write scenarios to this folder.
    #[arg(long, value_name = "DIR", default_value = ".mqspec/explored")]
    pub out: PathBuf,
    /// How many cases to run at a time [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub jobs: Option<u16>,
    /// Print a report for programs.
    #[arg(long)]
    pub json: bool,
    /// Print what became of mutants as a table in Markdown.
    #[arg(long, requires = "mutant", conflicts_with = "json")]
    pub table: bool,
}

/// `mqspec sweep`.
#[derive(Debug, Args)]
pub struct SweepArguments {
    /// Which scenarios.
    #[command(flatten)]
    pub selection: Selection,
    /// The seeds, the end not included.
    #[arg(long, value_name = "FIRST..END", value_parser = parse_seeds, default_value = "0..100", allow_hyphen_values = true)]
    pub seeds: Range<u64>,
    /// Run only this part of all; `mqspec merge` adds the reports of the parts up.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Keep what is done in this file, and go on from there if a sweep was killed.
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// Let the reference broker tell the lie of this mutant (`mqspec mutants --list`).
    #[arg(long, value_name = "NAME")]
    pub mutant: Option<String>,
    /// The engine: `memory` is fast, `simulated` has a network between the hosts.
    #[arg(long, value_enum, default_value_t = Engine::Memory)]
    pub world: Engine,
    /// How many runs at a time [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), allow_hyphen_values = true)]
    pub jobs: Option<u16>,
    /// How many failures to print at once, as they are found; all are counted, and in the JSON.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub show: usize,
    /// Print JSON (docs/OUTPUT.md).
    #[arg(long)]
    pub json: bool,
    /// Write the JSON into this file, too.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Leave the times out of the report, so that equal results are equal bytes.
    #[arg(long)]
    pub no_times: bool,
    /// Step through quiet time instead of jumping over it: slower, and the traces must be the same.
    #[arg(long)]
    pub no_jumps: bool,
    /// Run each seed twice, on the same thread; what leaves two traces counts as inconclusive.
    #[arg(long)]
    pub twice: bool,
    /// Say how much would be run, and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Count a SHOULD as a MUST.
    #[arg(long)]
    pub strict: bool,
}

/// `mqspec merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// Files that `mqspec sweep --json` has written.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How many failures to print.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub show: usize,
    /// Print JSON (docs/OUTPUT.md).
    #[arg(long)]
    pub json: bool,
    /// Write the JSON into this file, too.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
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

/// `mqspec broker`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("ports").required(true).multiple(true).args(["mqtt", "amqp"]))]
pub struct BrokerArguments {
    /// Port for MQTT 3.1.1 and 5.0 (0: any free one).
    #[arg(long, value_name = "PORT")]
    pub mqtt: Option<u16>,
    /// Port for AMQP 0-9-1 (0: any free one).
    #[arg(long, value_name = "PORT")]
    pub amqp: Option<u16>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Keep what outlives the broker in this directory (made if there is none); without it, a broker that
    /// ends forgets everything.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `mqspec proxy`.
#[derive(Debug, Args)]
pub struct ProxyArguments {
    /// The port that clients connect to, or `address:port` (port 0: any free one).
    #[arg(long, value_name = "PORT|ADDRESS:PORT")]
    pub listen: String,
    /// The broker, as `host:port`.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// What the clients speak; MQTT's version is taken from each CONNECT.
    #[arg(long, value_name = "SPEC", value_parser = parse_spec, default_value = "mqtt-5.0")]
    pub spec: Spec,
    /// What goes wrong: a YAML list of faults as scenarios have them, about an actor `client` (docs/PROXY.md).
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Where all chance comes from.
    #[arg(long, value_name = "N", default_value_t, allow_hyphen_values = true)]
    pub seed: Seed,
    /// Write what passed into this file, too, when the proxy ends.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Print no packets, only what is wrong with them.
    #[arg(long, short)]
    pub quiet: bool,
    /// Leave out the bytes of the packets.
    #[arg(long)]
    pub no_bytes: bool,
    /// Count a SHOULD as a MUST.
    #[arg(long)]
    pub strict: bool,
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

fn parse_spec(name: &str) -> Result<Spec, String> {
    Spec::parse(name)
        .ok_or_else(|| format!("known are {}", Spec::ALL.map(|spec| format!("`{spec}`")).join(", ")))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn both_names_of_a_version_are_read() {
        for name in ["mqtt-5.0", "mqtt5"] {
            assert_eq!(parse_spec(name), Ok(Spec::Mqtt50));
        }
        assert!(parse_spec("mqtt-6").is_err_and(|message| message.contains("`amqp-0-9-1`")));
    }

    #[test]
    fn a_broker_needs_a_port() {
        assert!(Arguments::try_parse_from(["mqspec", "broker"]).is_err());
        assert!(Arguments::try_parse_from(["mqspec", "broker", "--listen", "127.0.0.1"]).is_err());
        assert!(Arguments::try_parse_from(["mqspec", "broker", "--amqp", "0"]).is_ok());
    }
}
