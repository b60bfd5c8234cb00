#!/bin/bash
# The plane on emulated Intel NICs: fetches kernel and QEMU, builds the static
# binary, runs internal/nic. What is missing is said; the tests then skip with
# their reason, and fail under CI=true.
#
#   scripts/test-nic.sh                        all lanes
#   scripts/test-nic.sh -v -run TestNIC/igb    one of them, with its figures
set -u
cd "$(dirname "$0")/.."
GO=${GO:-go}
export PATH=$PATH:/usr/sbin:/sbin
./scripts/nic-kit.sh
GO=$GO ./scripts/static.sh || rm -f bin/dataplane-static # an old one proves nothing
exec $GO test -count=1 -timeout 15m "$@" ./internal/nic
