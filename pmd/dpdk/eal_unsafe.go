//go:build dpdk

package dpdk

// #include <stdlib.h>
// #include "dp.h"
import "C"

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// env is the process's EAL.
var env struct {
	sync.Mutex
	loaded bool
	up     bool
	huge   bool
	failed error // of a start that failed: EAL cannot be started again
}

// Init starts EAL, which every port of the process shares. Without it the first
// port starts EAL, with the options it was given. A second Init does nothing.
func Init(e EAL) error {
	env.Lock()
	defer env.Unlock()
	return start(e, "")
}

// start starts EAL if it does not run, for a device that is about to be opened.
func start(e EAL, device string) error {
	if env.up || env.failed != nil {
		return env.failed
	}
	if err := e.Check(); err != nil {
		return err
	}
	addr, pci := pciAddress(device)
	if pci {
		e.Devices = append(append([]string(nil), e.Devices...), addr)
	}
	if err := checkDevices(e.Devices, true); err != nil { // a wrong address before missing memory
		return err
	}
	huge, err := chooseHuge(&e, "/")
	if err != nil {
		return err
	}
	if err := checkDevices(e.Devices, huge); err != nil {
		return err
	}
	if err := load(); err != nil {
		return err
	}
	if e.Verbose {
		C.dp_log_tee(1)
	}
	if env.failed = run(e.argv(cpus(e.CPUs), huge, os.Getpid())); env.failed != nil {
		return env.failed
	}
	env.up, env.huge = true, huge
	return nil
}

func checkDevices(devices []string, huge bool) error {
	for _, d := range devices {
		full, _ := pciAddress(d)
		if err := checkDevice("/", full, huge); err != nil {
			return err
		}
	}
	return nil
}

// load finds libdpdk.
func load() error {
	if env.loaded {
		return nil
	}
	var text [512]C.char
	if C.dp_load(&text[0], C.size_t(len(text))) != 0 {
		return fmt.Errorf("no libdpdk 22.11 here (%s): `apt-get install dpdk`, or take the static program (`make static`)", C.GoString(&text[0]))
	}
	env.loaded = true
	return nil
}

// run calls rte_eal_init, with words that stay where they are.
func run(args []string) error {
	argv := (*[1 << 16]*C.char)(C.calloc(C.size_t(len(args)+1), C.size_t(unsafe.Sizeof(uintptr(0)))))
	for i, a := range args {
		argv[i] = C.CString(a)
	}
	errno := C.dp_eal_start(C.int(len(args)), &argv[0])
	said := takeLog()
	if errno == 0 {
		return nil
	}
	return fmt.Errorf("EAL does not start: %s (%s)", why(said, syscall.Errno(errno)), strings.Join(args[1:], " "))
}

// cpus returns what was asked for, or every CPU the process may use.
func cpus(asked []int) []int {
	if len(asked) > 0 {
		return asked
	}
	var m [1024]C.uint8_t
	var list []int
	if C.dp_eal_cpus(&m[0], C.int(len(m))) == 0 {
		for i, on := range m {
			if on != 0 {
				list = append(list, i)
			}
		}
	}
	if list == nil {
		return []int{0}
	}
	return list
}

// takeLog returns what EAL and the drivers said since the last time.
func takeLog() string {
	b := make([]byte, 16384)
	n := C.dp_log_take((*C.char)(unsafe.Pointer(&b[0])), C.size_t(len(b)))
	return string(b[:n])
}

// probe makes sure of a device, and returns its port. EAL runs.
func probe(device string) (id uint16, err error) {
	name, _, _ := strings.Cut(device, ",")
	args := device
	addr, pci := pciAddress(device)
	if pci {
		name, args = addr, addr
	}
	if id := find(name); id >= 0 {
		return uint16(id), nil
	}
	if pci {
		if err := checkDevice("/", addr, env.huge); err != nil {
			return 0, err
		}
	}
	takeLog()
	c := C.CString(args)
	defer C.free(unsafe.Pointer(c))
	errno := syscall.Errno(C.dp_eal_probe(c))
	said := takeLog()
	if id := find(name); id >= 0 && errno == 0 {
		return uint16(id), nil
	}
	return 0, probeError(name, pci, errno, said)
}

// find returns the port of a device, -1 if there is none.
func find(name string) int {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return int(C.dp_port_find(c))
}
