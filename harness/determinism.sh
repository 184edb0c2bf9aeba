#!/usr/bin/env bash
# One commit, plan and seed give one trace, byte for byte. Sweeps the busy scenarios over many seeds in every way that
# must not matter, and compares the reports, which hold a number made of all traces (docs/OUTPUT.md):
#
#   harness/determinism.sh [SEEDS [SELECTOR…]]       default: 1000 seeds of mqtt/simulation and amqp/simulation
#
# twice on one thread, on two threads, in fresh processes, with time jumps and without, debug and release, and each
# world for itself. Exit code 0: one trace a seed everywhere; 1: not; the reports are kept then.
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${1:-1000}
shift || true
[ $# -gt 0 ] || set -- mqtt/simulation amqp/simulation
target=${CARGO_TARGET_DIR:-target}
reports=$(mktemp -d)
failed=0

cargo build --locked --quiet --package mqspec
cargo build --locked --quiet --release --package mqspec

# sweep NAME PROFILE WORLD FLAGS…: a report of its own, in a process of its own.
sweep() {
    local name=$1 profile=$2 world=$3 began=$SECONDS
    shift 3
    "$target/$profile/mqspec" sweep "${selection[@]}" --seeds "0..$seeds" --world "$world" --no-times \
        --output "$reports/$world-$name.json" "$@" > "$reports/$world-$name.txt" || failed=1
    printf '%-10s %-34s %s  %4d s\n' "$world" "$name" \
        "$(sed -n 's/^hash of all traces: //p' "$reports/$world-$name.txt")" $((SECONDS - began))
    if ! cmp --silent "$reports/$world-first.json" "$reports/$world-$name.json"; then
        echo "           differs from the first: $reports/$world-$name.json"
        failed=1
    fi
}

selection=("$@")
for world in simulated memory; do
    sweep first release "$world" --jobs 1
    sweep fresh-process release "$world" --jobs 1
    sweep same-thread-twice release "$world" --jobs 1 --twice
    sweep two-threads release "$world" --jobs 2
    sweep debug debug "$world" --jobs 2
    # Time always jumps in memory.
    [ "$world" = memory ] || sweep without-time-jumps release "$world" --jobs 2 --no-jumps
done
sed -n '1p;$p' "$reports/simulated-first.txt"
[ "$failed" = 0 ] || { echo "NOT deterministic; the reports are in $reports"; exit 1; }
rm -r "$reports"
echo "one trace a seed in all of these"
