#!/bin/bash
# Builds bin/dataplane-static: one file without any library, with DPDK and its drivers
# e1000, igb, ixgbe, virtio, af_packet, af_xdp, tap, memif, ring and null in it. Prints
# its size. Wants libdpdk-dev and the static libraries beside it (scripts/setup.sh).
set -eu
cd "$(dirname "$0")/.."
GO=${GO:-go}
OUT=bin/dataplane-static

command -v gcc >/dev/null || { echo "static: no gcc (apt-get install gcc libc6-dev)" >&2; exit 1; }
command -v pkg-config >/dev/null && pkg-config --exists libdpdk ||
	{ echo "static: no libdpdk (apt-get install libdpdk-dev pkg-config)" >&2; exit 1; }

mkdir -p bin
log=$(mktemp)
raw=$(mktemp)
trap 'rm -f "$log" "$raw"' EXIT
# The drivers register themselves before main: the linker must not leave them out.
if ! CGO_ENABLED=1 CGO_LDFLAGS_ALLOW='-Wl,--(no-)?whole-archive' \
	$GO build -tags dpdk,static,netgo,osusergo -ldflags='-linkmode external -extldflags -static' -o "$raw" ./cmd/dataplane >"$log" 2>&1; then
	grep -v 'in statically linked applications requires at runtime' "$log" >&2
	exit 1
fi
strip -o "$OUT.new" "$raw"
chmod 755 "$OUT.new"
mv "$OUT.new" "$OUT"
size() { awk -v n="$(stat -c %s "$1")" 'BEGIN {printf "%.1f MB", n/1e6}'; }
echo "static: $OUT: $(size "$OUT"), $(size "$raw") with symbols"
