//! What runs very often: `sweep`, `merge` and `explore`.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use mqspec_wire::Spec;

use super::{Engine, Selection, parse_spec};
use crate::seed::Seed;
use crate::shard::{Shard, parse_seeds};

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
