//! The ratios that the codec is held to, by name.

use crate::measure::Table;

/// `part` takes no more than `most` times what `whole` takes, each a workload and a reader.
struct Limit {
    name: &'static str,
    part: (&'static str, &'static str),
    whole: (&'static str, &'static str),
    most: f64,
}

const fn limit(
    name: &'static str,
    part: (&'static str, &'static str),
    whole: (&'static str, &'static str),
    most: f64,
) -> Limit {
    Limit { name, part, whole, most }
}

/// `times` as fast as another reader of the same workload.
const fn faster(name: &'static str, workload: &'static str, other: &'static str, times: f64) -> Limit {
    limit(name, (workload, "own"), (workload, other), 1.0 / times)
}

#[rustfmt::skip]
const LIMITS: &[Limit] = &[
    faster("3.1.1 PUBLISH of 64 B: 2.5x as fast as mqttbytes", "publish-311-64", "mqttbytes", 2.5),
    limit("3.1.1 PUBLISH of 64 B: at most 14x its header", ("publish-311-64", "own"), ("publish-311-64", "header"), 14.0),
    limit("3.1.1 PUBLISH: 1 KiB within 20 % of 64 B", ("publish-311-1024", "own"), ("publish-311-64", "own"), 1.2),
    faster("3.1.1 acknowledgements: 2.5x as fast as mqttbytes", "acks-311", "mqttbytes", 2.5),
    faster("5.0 PUBLISH with five properties: 2.8x as fast as mqttbytes", "publish-50-properties", "mqttbytes", 2.8),
    limit("5.0 PUBLISH: 1 KiB within 20 % of 64 B", ("publish-50-1024", "own"), ("publish-50-64", "own"), 1.2),
    faster("5.0 acknowledgements: 2.5x as fast as mqttbytes", "acks-50", "mqttbytes", 2.5),
    faster("AMQP frames of 64 B: 6x as fast as amq-protocol", "amqp-64", "amq-protocol", 6.0),
    faster("AMQP frames with a table: 8x as fast as amq-protocol", "amqp-table", "amq-protocol", 8.0),
    limit("AMQP frames: 16 KiB within 20 % of 64 B", ("amqp-16384", "own"), ("amqp-64", "own"), 1.2),
];

/// One line for each limit whose figures are there; whether all of them hold.
#[expect(clippy::print_stdout, reason = "the result of a benchmark")]
pub(crate) fn print(table: &Table) -> bool {
    println!("limits");
    let mut all = true;
    for Limit { name, part, whole, most } in LIMITS {
        let (Some(part), Some(whole)) = (table.time(part.0, part.1), table.time(whole.0, whole.1)) else {
            continue;
        };
        let (ratio, holds) = (part / whole, part <= most * whole);
        all &= holds;
        // Both ways round, as some are told as "times as fast".
        let verdict = if holds { "ok    " } else { "MISSED" };
        println!("  {verdict} {name}: {ratio:.2} of it, {:.2}x as fast", 1.0 / ratio);
    }
    all
}
