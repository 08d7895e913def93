#!/usr/bin/env bash
# Usage: release.sh OUT [ARCH...]
# Builds the commit at HEAD for Linux on amd64 and arm64, into the directory OUT: for each an
# archive with a static program and its licences, an SBOM (CycloneDX), and SHA256SUMS for all.
# Changes that are not committed are not part of it. The same commit, compilers and tools give
# equal files.
set -euo pipefail
cd "$(dirname "$0")/../.."
test $# -gt 0 || { echo "the directory for the release is missing: release.sh OUT [ARCH...]" >&2; exit 2; }
for arch in "${@:2}"; do
  case $arch in
  amd64 | arm64) ;;
  *) echo "unknown processor $arch: must be amd64 or arm64" >&2; exit 2 ;;
  esac
done
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
test $# -gt 0 || set -- amd64 arm64
cyclonedx=github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

# compiler names the C compiler for a processor, and fails if it is missing.
compiler() {
  local cpu=x86_64 package=gcc-x86-64-linux-gnu
  test "$1" = amd64 || { cpu=aarch64; package=gcc-aarch64-linux-gnu; }
  test "$1" = "$(go env GOHOSTARCH)" && { echo "${CC:-gcc}"; return; }
  command -v "$cpu-linux-gnu-gcc" || { echo "the C compiler for $1 is missing: apt-get install $package libc6-dev-$1-cross" >&2; return 1; }
}

for arch; do compiler "$arch" >/dev/null; done
git rev-parse --verify HEAD >/dev/null || { echo "release: it must be built in a clone of the repository, which has the version and the commit" >&2; exit 1; }
test -z "$(git status --porcelain)" || echo "release: changes that are not committed are left out" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -c advice.detachedHead=false clone -q --no-local . "$work/stile"
git -C "$work/stile" checkout -q "${COMMIT:-$(git rev-parse HEAD)}"
cd "$work/stile"
version=$(git describe --tags --always --match 'v*')
version=${version#v}
time=@$(git log -1 --format=%ct)
echo "release: building the tools" >&2
GOFLAGS= go run ./deploy/licences texts >"$work/THIRD_PARTY_LICENCES"
GOFLAGS= GOBIN="$work/bin" go install "$cyclonedx"

for arch; do
  echo "release: building stile for linux on $arch" >&2
  cc=$(compiler "$arch")
  name=stile_${version}_linux_$arch
  mkdir "$work/$name"
  # Without a symbol table, build ids and paths there is nothing that depends on the directory. The
  # program has its version and commit from the clone, whatever `go env -w GOFLAGS` says here.
  GOFLAGS=-buildvcs=true GOOS=linux GOARCH=$arch CGO_ENABLED=1 CC=$cc go build -trimpath \
    -tags sqlite_fts5,netgo,osusergo,sqlite_omit_load_extension \
    -ldflags '-s -w -buildid= -linkmode external -extldflags "-static -Wl,--build-id=none"' \
    -o "$work/$name/stile" .
  GOFLAGS=-tags=sqlite_fts5,netgo,osusergo,sqlite_omit_load_extension GOOS=linux GOARCH=$arch CGO_ENABLED=1 CC=$cc \
    "$work/bin/cyclonedx-gomod" app -json -licenses -std -noserial -notimestamp -output "$work/$name.cdx.json" . 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }
  cp LICENSE NOTICE "$work/THIRD_PARTY_LICENCES" "$work/$name/"
  tar -C "$work" --sort=name --mtime="$time" --owner=0 --group=0 --numeric-owner --mode=go=u,go-w -cf - "$name" |
    gzip -n9 >"$out/$name.tar.gz"
  cp "$work/$name.cdx.json" "$out/"
done
cd "$out"
sha256sum stile_"${version}"_linux_* >SHA256SUMS
cat SHA256SUMS
