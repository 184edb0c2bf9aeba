//! The mqspec command line: finds scenarios, has them run and judged, and tells people and programs.
//!
//! [`arguments`] → [`suite`], [`selector`], [`choose`] (which scenarios) → [`world`] (run and judge) →
//! [`report`]. Nothing here knows a packet or a socket.

pub mod arguments;
pub mod choose;
pub mod command;
pub mod decode;
pub mod exploration;
pub mod failure;
pub mod fuzz_scenario;
pub mod interrupt;
pub mod json_value;
pub mod live;
pub mod output;
pub mod paint;
pub mod parallel;
pub mod proof;
pub mod report;
pub mod secret;
pub mod seed;
pub mod selector;
pub mod shard;
pub mod store;
pub mod suite;
pub mod sweep;
pub mod text;
pub mod world;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::failure::{Conclusion, Failure};
use crate::output::Patient;
use crate::paint::Paint;
use crate::suite::Suite;

/// Runs the command line of this process and gives its exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let stdout = io::stdout();
    let paint = Paint::for_stream(&stdout);
    let mut out = Patient::new(stdout.lock());
    match execute(&arguments, paint, &mut out).and_then(|conclusion| Ok(out.flush().map(|()| conclusion)?)) {
        Ok(conclusion) => conclusion.into(),
        Err(failure) => {
            let code = failure.exit_code();
            let (Failure::Input(report) | Failure::Environment(report)) = failure;
            // Nobody is left to tell when stderr is gone, too; the exit code still says it.
            let _ = writeln!(io::stderr(), "{report:?}");
            ExitCode::from(code)
        }
    }
}

fn execute(arguments: &Arguments, paint: Paint, out: &mut dyn Write) -> Result<Conclusion, Failure> {
    let suite = || Suite::open(arguments.scenarios.as_deref());
    match &arguments.command {
        Command::Test(test) => command::test::run(test, &suite()?, paint, out),
        Command::List(selection) => {
            command::list::run(&choose::choose(&selection.selectors, &suite()?)?, paint, out)
        }
        Command::Replay(replay) => command::replay::run(replay, &suite()?, paint, out),
        Command::Explain(explain) => {
            command::explain::run(&explain.subject, &choose::all(&suite()?)?, paint, out)
        }
        Command::Mutants(mutants) => command::mutants::run(mutants, &choose::all(&suite()?)?, paint, out),
        Command::Coverage(coverage) => {
            command::coverage::run(&choose::all(&suite()?)?, coverage.json, paint, out)
        }
        Command::Decode(decode) => command::decode::run(decode, &mut io::stdin().lock(), paint, out),
        Command::Sweep(sweep) => command::sweep::run(sweep, &suite()?, paint, out),
        Command::Merge(merge) => command::merge::run(merge, paint, out),
        Command::Explore(explore) => command::explore::run(explore, paint, out),
        Command::FuzzToScenario(input) => command::fuzz_to_scenario::run(input, out),
        Command::Broker(broker) => command::broker::run(broker, out),
        Command::Proxy(proxy) => command::proxy::run(proxy, paint, out),
        Command::Schema(schema) => command::schema::run(schema.of, out),
    }
}
