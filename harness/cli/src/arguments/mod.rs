//! The command line as clap reads it.

mod look;
mod many;
mod run;
mod serve;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mqspec_wire::Spec;

pub use self::look::{
    CoverageArguments, DecodeArguments, ExplainArguments, FuzzToScenarioArguments, MutantsArguments,
    SchemaArguments, SchemaOf, SideArgument,
};
pub use self::many::{ExploreArguments, MergeArguments, SweepArguments};
pub use self::run::{Engine, ReplayArguments, TestArguments};
pub use self::serve::{BrokerArguments, ProxyArguments};

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
