//! The benchmarks: what one thing costs against another, as ratios with their spread.
//!
//!     cargo run --release -p mqspec-run --example benchmarks [-- [--rounds N] [NAME…]]
//!     cargo run --release -p mqspec-run --example benchmarks -- only memory|bare|layered|simulated|none typical|faults|FOLDER SEEDS
//!
//! Every comparison is paired: both sides are measured right after each other, many times, so that whatever else the
//! machine does hits both. Costs are CPU time of the measuring thread, but for `threads`, which is about wall time and
//! wants a quiet machine. A goal that is missed is told, and is no failure: docs/BENCHMARKS.md has the figures. `only`
//! measures nothing and prints each run's hash: it is for profilers that count instructions, which no load on the
//! machine changes (what `none` costs is the loading of the plans).

mod measure;
mod plans;

use std::io::{self, Write};
use std::process::ExitCode;

use measure::{Spread, cpu_of, ratios, wall_of};
use mqspec_conformance::check;
use mqspec_conformance::plan::Plan;
use mqspec_conformance::trace::hash::hash;
use mqspec_conformance::verdict::{Outcome, combine};
use mqspec_run::RunResult;
use mqspec_run::environment::simulated::Settings;
use mqspec_run::environment::{Carriage, memory, simulated};

/// How often each pair is measured where nobody says.
const ROUNDS: usize = 7;
/// Runs of each side in `threads`.
const THREADED_RUNS: u64 = 600;

/// One benchmark.
struct Benchmark {
    name: &'static str,
    what: &'static str,
    goal: f64,
    run: fn(usize, &mut dyn Write) -> io::Result<Spread>,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "jumps",
        what: "CPU of 60 s of keep-alive without time jumps / with them",
        goal: 100.0,
        run: jumps,
    },
    Benchmark {
        name: "memory",
        what: "CPU of the simulator / of the world in memory",
        goal: 5.0,
        run: worlds,
    },
    Benchmark {
        name: "faults",
        what: "messages per CPU second with faults lying in wait / without a fault layer",
        goal: 0.85,
        run: faults,
    },
    Benchmark {
        name: "typical",
        what: "seeds per CPU second of 8 clients and about 1,000 packets, in memory",
        goal: 300.0,
        run: typical,
    },
    Benchmark { name: "threads", what: "wall time of one thread / of two", goal: 1.9, run: threads },
];

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(code) => code,
        // Whoever reads the output has gone.
        Err(_) => ExitCode::from(3),
    }
}

fn run(arguments: impl Iterator<Item = String>) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut rounds = ROUNDS;
    let mut wanted = Vec::new();
    let mut arguments = arguments.peekable();
    if arguments.next_if_eq("only").is_some() {
        return only(&arguments.collect::<Vec<_>>(), &mut out);
    }
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS).max(1);
        } else if BENCHMARKS.iter().any(|benchmark| benchmark.name == argument) {
            wanted.push(argument);
        } else {
            let names: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
            writeln!(out, "there is no benchmark `{argument}`; there are {}", names.join(", "))?;
            return Ok(ExitCode::from(2));
        }
    }
    if cfg!(debug_assertions) {
        writeln!(out, "this is a debug build: the figures mean nothing (use --release)")?;
    }
    for benchmark in BENCHMARKS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == benchmark.name) {
            continue;
        }
        writeln!(out, "{}: {}", benchmark.name, benchmark.what)?;
        let spread = (benchmark.run)(rounds, &mut out)?;
        let verdict = if spread.median >= benchmark.goal { "met" } else { "MISSED" };
        writeln!(out, "  {spread} over {rounds} rounds; goal {}: {verdict}\n", benchmark.goal)?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs plans for each seed from 0 on, for a profiler: the world, the plans and the number of seeds are given.
fn only(arguments: &[String], out: &mut dyn Write) -> io::Result<ExitCode> {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    let plans = match argument(1) {
        "typical" => vec![plans::typical()],
        "faults" => vec![plans::typical_with_faults()],
        folder => plans::shipped().into_iter().filter(|plan| plan.address.starts_with(folder)).collect(),
    };
    let run: fn(&Plan, u64) -> String = match argument(0) {
        "memory" => in_memory,
        "simulated" => |plan, seed| simulate(plan, seed, true),
        "bare" => |plan, seed| over(plan, seed, Carriage::Bare),
        "layered" => |plan, seed| over(plan, seed, Carriage::Layered),
        "none" => |_, _| String::new(),
        world => {
            writeln!(
                out,
                "`only` runs in memory (or bare, or layered), simulated or in none, not in `{world}`"
            )?;
            return Ok(ExitCode::from(2));
        }
    };
    for seed in 0..argument(2).parse().unwrap_or(10) {
        for plan in &plans {
            writeln!(out, "{} {seed} {}", plan.address, run(plan, seed))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a sweep does with each seed: run, check, combine, hash.
fn judged(plan: &Plan, result: RunResult) -> String {
    let mut findings = check::always_on(&result.trace);
    findings.extend(result.findings);
    let digest = hash(&result.trace);
    let verdict = combine(plan, result.stop, findings, false);
    assert_eq!(verdict.outcome, Outcome::Pass, "{}", plan.address);
    digest
}

fn in_memory(plan: &Plan, seed: u64) -> String {
    over(plan, seed, Carriage::Weathered)
}

/// In memory, with something else between actors and pipes than usual.
fn over(plan: &Plan, seed: u64, carriage: Carriage) -> String {
    judged(plan, memory::run_over(plan, &Settings { seed, time_jumps: true }, carriage))
}

fn simulate(plan: &Plan, seed: u64, time_jumps: bool) -> String {
    judged(plan, simulated::run(plan, &Settings { seed, time_jumps }))
}

fn jumps(rounds: usize, out: &mut dyn Write) -> io::Result<Spread> {
    let plan = plans::keep_alive();
    let stepping = || cpu_of(|seed| simulate(&plan, seed, false));
    let jumping = || cpu_of(|seed| simulate(&plan, seed, true));
    let (without, with, spread) = ratios(rounds, stepping, jumping);
    writeln!(out, "  {:.2} ms without jumps, {:.3} ms with", without * 1e3, with * 1e3)?;
    Ok(spread)
}

fn worlds(rounds: usize, out: &mut dyn Write) -> io::Result<Spread> {
    let shipped = plans::shipped();
    writeln!(out, "  {} shipped scenarios and versions, and the typical one", shipped.len())?;
    let all = |run: fn(&Plan, u64) -> String| {
        move |shipped: &[Plan]| cpu_of(|seed| shipped.iter().map(|plan| run(plan, seed)).collect::<Vec<_>>())
    };
    let simulated = |plan: &Plan, seed| simulate(plan, seed, true);
    let typical = [plans::typical()];
    let (slow, fast, of_typical) = ratios(rounds, || all(simulated)(&typical), || all(in_memory)(&typical));
    writeln!(out, "  typical: {:.2} ms simulated, {:.2} ms in memory, {of_typical}", slow * 1e3, fast * 1e3)?;
    let (slow, fast, spread) = ratios(rounds, || all(simulated)(&shipped), || all(in_memory)(&shipped));
    writeln!(out, "  all shipped: {:.0} ms simulated, {:.0} ms in memory", slow * 1e3, fast * 1e3)?;
    Ok(spread)
}

fn faults(rounds: usize, out: &mut dyn Write) -> io::Result<Spread> {
    let (plain, armed) = (plans::typical(), plans::typical_with_faults());
    let packets = plans::packets(&plain);
    let cost = |plan: &Plan, carriage| cpu_of(|seed| over(plan, seed, carriage));
    let (bare, idle, of_idle) =
        ratios(rounds, || cost(&plain, Carriage::Bare), || cost(&plain, Carriage::Layered));
    writeln!(out, "  {:.0} packets per CPU second without a fault layer", packets / bare)?;
    writeln!(out, "  {:.0} with one that has nothing to do, {of_idle}", packets / idle)?;
    let (_, waiting, spread) =
        ratios(rounds, || cost(&plain, Carriage::Bare), || cost(&armed, Carriage::Layered));
    writeln!(out, "  {:.0} with two faults lying in wait on each connection", packets / waiting)?;
    Ok(spread)
}

fn typical(rounds: usize, out: &mut dyn Write) -> io::Result<Spread> {
    let plan = plans::typical();
    writeln!(out, "  {} packets a run", plans::packets(&plan))?;
    let rates: Vec<f64> = (0..rounds).map(|_| 1.0 / cpu_of(|seed| in_memory(&plan, seed))).collect();
    Ok(Spread::of(rates))
}

fn threads(rounds: usize, out: &mut dyn Write) -> io::Result<Spread> {
    let plan = plans::typical();
    let (one, two, spread) = ratios(
        rounds,
        || wall_of(1, THREADED_RUNS, |seed| in_memory(&plan, seed)),
        || wall_of(2, THREADED_RUNS, |seed| in_memory(&plan, seed)),
    );
    writeln!(out, "  {THREADED_RUNS} runs: {one:.2} s on one thread, {two:.2} s on two")?;
    Ok(spread)
}
