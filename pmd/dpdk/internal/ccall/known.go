//go:build dpdk

package ccall

import "runtime"

// Known reports whether Call exists for this machine. Elsewhere it must not be called.
const Known = runtime.GOARCH == "amd64"
