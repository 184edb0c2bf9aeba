#!/usr/bin/env bash
# Plants each bug of this folder, or those that are named, in a copy of what is committed, and demands that the target
# named in the patch finds it within 60 s from the corpus. Needs nightly and cargo-fuzz.
#   fuzz/planted/run.sh [NAME...]
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
root=$(git -C "$folder" rev-parse --show-toplevel)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target/planted}
copy=$CARGO_TARGET_DIR/planted-copy
mkdir -p "$copy"
git -C "$root" archive HEAD | tar -x -C "$copy"
cd "$copy"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$folder"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
failed=0
for name in "${names[@]}"; do
    patch=$folder/$name.patch
    target=$(sed -n 's/^target: //p' "$patch")
    new=$(mktemp -d) log=$(mktemp)
    patch --quiet -p1 < "$patch"
    cargo +nightly fuzz build --sanitizer none --debug-assertions -O --no-default-features "$target" > "$log" 2>&1 || { cat "$log"; exit 1; }
    began=$SECONDS
    status=0
    cargo +nightly fuzz run --sanitizer none --debug-assertions -O --no-default-features "$target" "$new" "fuzz/corpus/$target" \
        -- -seed=1 -max_total_time=60 -max_len=2048 -artifact_prefix="$new/" > "$log" 2>&1 || status=$?
    if [ $status -ne 0 ] && grep -q 'libFuzzer: deadly signal\|libFuzzer: timeout' "$log"; then
        runs=$(sed -n 's/^#\([0-9]*\).*/\1/p' "$log" | tail -n 1)
        echo "found      $name by $target after $((SECONDS - began)) s: $(grep -m 1 -A 1 'panicked at' "$log" | tail -n 1 | cut -c 1-120) (after $runs runs)"
    else
        echo "NOT FOUND  $name by $target in $((SECONDS - began)) s"
        failed=1
    fi
    patch --quiet -p1 --reverse < "$patch"
    rm -r "$new" "$log"
done
exit $failed
