//go:build dpdk

package dpdk

// #include "dp.h"
import "C"

import (
	"fmt"
	"runtime"
	"syscall"
	"time"

	"dataplane/pmd"
)

// inFlight is how long a frame may take from the card's look at its table into memory: a
// long one at 1 Gbit/s takes 12 us, and a card looks when it has all of it.
const inFlight = 20 * time.Microsecond

// patience is how long Redirect waits for other control calls. The lcores stand still
// meanwhile; a reset takes longer.
const patience = time.Millisecond

// Redirect changes the RSS table of the running device (rte_eth_dev_rss_reta_update), and
// waits for what is on its way by the old one.
func (p *Port) Redirect(table []uint8) error {
	for end := time.Now().Add(patience); !p.mu.TryLock(); runtime.Gosched() {
		if time.Now().After(end) {
			return fmt.Errorf("%s: RSS table: %w", p.info.Device, syscall.EBUSY)
		}
	}
	defer p.mu.Unlock()
	if !p.started || p.closed || !p.info.Offloads.Has(pmd.RSS) || len(table) != C.DP_TABLE {
		return fmt.Errorf("%s: RSS table: %w", p.info.Device, syscall.EINVAL)
	}
	var t [C.DP_TABLE]C.uint8_t
	for i, q := range table {
		t[i] = C.uint8_t(q)
	}
	if errno := C.dp_port_redirect(p.c, &p.conf, &t[0]); errno != 0 {
		return fmt.Errorf("%s: RSS table of %s: %w", p.info.Device, p.PMD(), syscall.Errno(errno))
	}
	if p.caps.pci {
		for end := time.Now().Add(inFlight); time.Now().Before(end); {
		}
	}
	return nil
}
