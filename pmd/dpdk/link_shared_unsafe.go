//go:build dpdk && !static

package dpdk

// Nothing of libdpdk is linked: load.c opens it when it is wanted (the headers
// say which functions there are, and --as-needed drops the libraries).

// #cgo pkg-config: libdpdk
// #cgo CFLAGS: -O3 -ftls-model=initial-exec
// #cgo LDFLAGS: -ldl -lpthread
import "C"
