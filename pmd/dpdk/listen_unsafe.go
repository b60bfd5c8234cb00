//go:build dpdk

package dpdk

// #include "dp.h"
import "C"

import (
	"fmt"
	"syscall"

	"dataplane/pmd"
)

var _ pmd.Listener = (*Port)(nil)

// Listen makes the device hand up frames that are for nobody here
// (rte_eth_promiscuous_enable, rte_eth_allmulticast_enable), besides what the options say.
// A reset keeps it. A virtual device that knows neither hands up all there is.
func (p *Port) Listen(allGroups, all bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("%s: closed: %w", p.info.Device, syscall.ENODEV)
	}
	p.conf.promisc, p.conf.allmulti = C.bool(p.opt.promisc || all), C.bool(p.opt.allmulti || allGroups)
	if !p.started {
		return nil // Start does it
	}
	if errno := C.dp_port_listen(p.c, &p.conf); errno != 0 {
		return fmt.Errorf("%s: what %s receives: %w", p.info.Device, p.PMD(), syscall.Errno(errno))
	}
	return nil
}
