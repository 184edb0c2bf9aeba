#!/usr/bin/env bash
# Plants each bug of this folder, or those that are named, in a copy of what is committed, and demands that the target
# named in the patch finds it within 60 s of processor time from the corpus, so that a busy machine does not count.
# Prints rows of the table in fuzz/README.md: bug, target, executions, seconds of the processor, what was said.
# Needs nightly and cargo-fuzz.
#   fuzz/planted/run.sh [NAME...]
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
root=$(git -C "$folder" rev-parse --show-toplevel)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/planted}
copy=$CARGO_TARGET_DIR/planted-copy
mkdir -p "$CARGO_TARGET_DIR"
# From scratch, so that no bug of a run that was cut short is left in it; as what is committed was changed when it was
# committed, cargo builds again only what differs.
rm -rf "$copy" && mkdir "$copy"
git -C "$root" archive HEAD | tar -x -C "$copy"
cd "$copy"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$folder"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
failed=0
TIMEFORMAT='%U'
for name in "${names[@]}"; do
    patch=$folder/$name.patch
    target=$(sed -n 's/^target: //p' "$patch")
    new=$(mktemp -d) log=$(mktemp)
    patch --quiet -p1 < "$patch"
    cargo +nightly fuzz build --sanitizer none --debug-assertions -O --no-trace-compares --no-default-features "$target" > "$log" 2>&1 || { cat "$log"; exit 1; }
    binary=$CARGO_TARGET_DIR/$(uname -m)-unknown-linux-gnu/release/$target
    status=0
    { time (
        ulimit -t 60
        "$binary" "$new" "fuzz/corpus/$target" -seed=1 -timeout=10 -max_len=2048 -print_final_stats=1 \
            -artifact_prefix="$new/" > "$log" 2>&1 || exit
    ); } 2> "$new.seconds" || status=$?
    seconds=$(tail -n 1 "$new.seconds")
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p; s/^#\([0-9]*\).*/\1/p' "$log" | tail -n 1)
    if [ $status -ne 0 ] && grep -q 'libFuzzer: \(deadly signal\|timeout\|out-of-memory\)' "$log"; then
        said=$(grep -A 1 'panicked at' "$log" | sed -n 2p | cut -c 1-100)
        echo "| \`$name\` | \`$target\` | $runs | $seconds | ${said:-$(grep -o -m 1 'libFuzzer: .*' "$log")} |"
    else
        echo "| \`$name\` | \`$target\` | NOT FOUND in $runs | $seconds | |"
        failed=1
    fi
    patch --quiet -p1 --reverse < "$patch"
    rm -r "$new" "$new.seconds" "$log"
done
exit $failed
