#!/usr/bin/env bash
# Usage: reproducible.sh [ARCH...]
# Builds the release twice, in two folders whose paths differ in length, each with an empty cache of
# compiled packages, and fails unless all files are equal.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export COMMIT
COMMIT=$(git rev-parse HEAD) # also if others commit meanwhile
for folder in a another-folder; do
  echo "building in $work/$folder" >&2
  mkdir "$work/$folder"
  TMPDIR=$work/$folder GOCACHE=$work/$folder/cache ./release.sh "$work/$folder/out" "$@" >/dev/null
done
diff -r "$work/a/out" "$work/another-folder/out"
cat "$work/a/out/SHA256SUMS"
echo "both builds are equal"
