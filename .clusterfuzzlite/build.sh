#!/bin/bash -eu
# Builds every target for ClusterFuzzLite and OSS-Fuzz, each with its seeds and its dictionary.
cd "$SRC/mqspec"
cargo fuzz build -O --debug-assertions
for binary in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$binary" .rs)
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    zip -qjr "$OUT/${target}_seed_corpus.zip" "fuzz/corpus/$target"
    case $target in
        *mqtt | *mqtt5) cp fuzz/dictionaries/mqtt5.dict "$OUT/$target.dict" ;;
        *amqp) cp fuzz/dictionaries/amqp091.dict "$OUT/$target.dict" ;;
    esac
done
