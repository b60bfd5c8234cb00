//go:build dpdk

package dpdk

// #include <stdlib.h>
// #include "dp.h"
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"dataplane/mbuf"
	"dataplane/pmd"
)

// Adoption says how Adopt takes a port over. Zero fields get defaults.
type Adoption struct {
	// Mempool is the struct rte_mempool of the port's receive queues. The plane's
	// buffers are taken out of it, as many as are free and wanted, and return to it
	// when the plane closes. nil: the plane makes pools of its own.
	Mempool unsafe.Pointer
	Options map[string]string // as of a port that is opened; those for EAL are idle
}

// adopted is how another binding had the port.
type adopted struct{ mempool unsafe.Pointer }

// Adopt takes over a port of a DPDK that another binding in the process, go-dpdk
// say, has initialised: by its number, as that one has configured it, with its
// queues, MTU and offloads. The port is stopped if it ran, and its queues get the
// plane's pools. The result is for api.Port.Opened.
//
// Until the Close the port and the mempool are the plane's. After it the port is
// stopped, not closed; its receive queues have the Mempool again, and its owner may
// start it. Without a Mempool he sets the receive queues up first.
func Adopt(portID uint16, a Adoption) (*Port, error) {
	o, err := parseOptions(a.Options)
	if err != nil {
		return nil, err
	}
	env.Lock()
	defer env.Unlock()
	if err := join(); err != nil {
		return nil, err
	}
	p := &Port{opt: o, adopted: &adopted{mempool: a.Mempool}}
	p.info.Driver, p.info.Device = "dpdk", fmt.Sprintf("port %d", portID)
	if errno := C.dp_port_adopt(C.uint16_t(portID)); errno != 0 {
		return nil, fmt.Errorf("dpdk: adopt port %d: %w", portID, syscall.Errno(errno))
	}
	if err := p.claim(portID); err != nil {
		return nil, fmt.Errorf("dpdk: adopt port %d: %w", portID, err)
	}
	if err := p.takeOver(); err != nil {
		return nil, errors.Join(fmt.Errorf("dpdk: adopt port %d: %w", portID, err), p.Close())
	}
	return p, nil
}

// join uses the EAL that runs.
func join() error {
	if err := load(); err != nil {
		return err
	}
	if env.up {
		return nil
	}
	if errno := C.dp_eal_join(); errno != 0 {
		return fmt.Errorf("dpdk: %w: is EAL initialised?", syscall.Errno(errno))
	}
	env.up, env.huge = true, true // as far as pools must care
	return nil
}

// takeOver reads how the port is configured.
func (p *Port) takeOver() error {
	c, k := &p.caps, &p.conf
	if c.conf_rx == 0 || c.conf_rx != c.conf_tx || c.conf_rx > C.DP_QUEUES {
		return fmt.Errorf("%d receive and %d transmit queues: configure pairs of them first", c.conf_rx, c.conf_tx)
	}
	k.queues, k.mtu, k.keep = c.conf_rx, c.mtu, true
	k.rx, k.tx = c.conf_rx_off, c.conf_tx_off
	p.chooseMAC([6]byte{})
	p.c.queues = k.queues
	p.c.multi_seg = C.bool(k.tx&txMultiSeg != 0)
	p.describe(has(uint64(k.rx), uint64(k.tx)))
	return nil
}

// restore gives the port back to its owner.
func (a *adopted) restore(p *Port) error {
	if !p.started {
		return nil
	}
	if errno := C.dp_port_return(p.c, &p.conf, a.mempool); errno != 0 {
		return fmt.Errorf("%s: its owner's mempool: %w", p.info.Device, syscall.Errno(errno))
	}
	return nil
}

// fewest is how many buffers an adopted mempool must spare for a pool.
const fewest = 256

// newPool takes buffers out of the adopted mempool.
func (a *adopted) newPool(cfg mbuf.Config) (*mbuf.Pool, error) {
	pools.Lock()
	defer pools.Unlock()
	pools.made++
	name := C.CString(fmt.Sprintf("dp%d-adopted", pools.made))
	defer C.free(unsafe.Pointer(name))
	var errno C.int
	c := C.dp_pool_adopt(name, a.mempool, C.uint32_t(max(cfg.Count, 0)), &errno)
	if c == nil {
		return nil, fmt.Errorf("dpdk: pool %q: the adopted mempool: %w", cfg.Name, syscall.Errno(errno))
	}
	if c.own_top < min(fewest, C.int64_t(cfg.Count)) {
		n := c.own_top
		C.dp_pool_return(c)
		return nil, fmt.Errorf("dpdk: pool %q: the adopted mempool has %d free buffers left, at least %d are needed: fewer `buffers` for the other lcores, or a larger mempool", cfg.Name, n, fewest)
	}
	return wrap(cfg.Name, c)
}

var _ pmd.PoolMaker = (*Port)(nil)
