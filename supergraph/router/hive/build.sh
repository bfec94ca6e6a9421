#!/bin/sh
# Builds Hive Router with our plugins: sh build.sh <build folder> <program> [quick]
#
# Takes a quarter of an hour on two cores, later times seconds. Every crate is pinned by the Cargo.lock that
# hive-router's own crate brings: ours would name a registry, and theirs is what its release was tested with.
# `quick` optimises little, for tests: 11 minutes on two idle cores (18 of CPU).
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
folder=$1
program=$2
profile=${3:-release}

version=$(sed -n 's/^hive-router = { version = "=\([^"]*\)".*/\1/p' "$here/Cargo.toml")
mkdir -p "$folder" "$(dirname -- "$program")"
cd "$folder"
if [ ! -e "locked-$version" ]; then
    # Outside of any package, and for its side effect: it brings the crate here.
    (cd / && cargo info --quiet "hive-router@$version" >/dev/null)
    for lock in "${CARGO_HOME:-$HOME/.cargo}/registry/src/"*"/hive-router-$version/Cargo.lock"; do
        cp "$lock" Cargo.lock
    done
    touch "locked-$version"
fi
cp "$here/Cargo.toml" .
rm -rf src
cp -R "$here/src" .

# Some crate asks for a newer Rust than it needs.
cargo build --profile "$profile" --ignore-rust-version --target-dir target
cp "target/$profile/hive_router" "$program.new"
mv "$program.new" "$program"
