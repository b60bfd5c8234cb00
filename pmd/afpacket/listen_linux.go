package afpacket

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"dataplane/pmd"
)

var _ pmd.Listener = (*Port)(nil)

// Listen lets frames in that are for nobody here: those to all groups, or all there are.
// The interface forgets it when the port closes.
func (p *Port) Listen(allGroups, all bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("%s: closed: %w", p.info.Device, syscall.ENODEV)
	}
	for _, w := range []struct {
		kind uint16
		want bool
		have *bool
	}{{unix.PACKET_MR_ALLMULTI, allGroups, &p.allGroups}, {unix.PACKET_MR_PROMISC, all, &p.all}} {
		if w.want == *w.have {
			continue
		}
		opt := unix.PACKET_DROP_MEMBERSHIP
		if w.want {
			opt = unix.PACKET_ADD_MEMBERSHIP
		}
		m := unix.PacketMreq{Ifindex: int32(p.index), Type: w.kind}
		if err := unix.SetsockoptPacketMreq(p.queues[0].ring.fd, unix.SOL_PACKET, opt, &m); err != nil {
			return fmt.Errorf("%s: membership: %w", p.info.Device, err)
		}
		*w.have = w.want
	}
	if !p.started {
		return nil
	}
	return p.filter()
}

// filter lets in what is wanted. Under mu.
func (p *Port) filter() error {
	prog := accept(p.info.MAC, p.cfg.promisc == "on" || p.all)
	for _, q := range p.queues {
		if err := attach(q.ring.fd, prog); err != nil {
			return fmt.Errorf("%s: filter: %w", p.info.Device, err)
		}
	}
	return nil
}
