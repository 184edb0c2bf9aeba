//! The strict codec beside other people's, in one run: `cargo bench -p mqspec-broker-core --bench codecs`.
//!
//! Every workload is a stream that stays in the cache. All readers of one workload take turns, and each one's figure is
//! its best of many short rounds: noise only ever adds time, and what slows the machine down slows all of them. What
//! counts is therefore the ratios; `limits` names those that we hold ourselves to, and a miss ends the run with 1.
//!
//! mqttrs panics on bytes that are no packet, so it sees only what this file has written.

mod limits;
mod measure;
mod readers;
mod streams;

use std::process::ExitCode;

fn main() -> ExitCode {
    // `cargo bench` says `--bench`; what is left is part of a workload's name.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut table = measure::Table::default();
    for workload in readers::workloads() {
        if wanted.as_ref().is_none_or(|wanted| workload.name.contains(wanted.as_str())) {
            table.add(workload.name, measure::measure(&workload));
        }
    }
    table.print();
    if limits::print(&table) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
