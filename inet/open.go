package inet

import (
	"fmt"
	"sync"
	"syscall"

	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
)

// protocolTable is what was registered above IP by others than NewStack.
type protocolTable struct {
	mu   sync.Mutex
	rows map[uint8][]ip.Protocol // one per lcore; under mu
}

// RegisterProtocol makes what open returns, for each lcore, the receiver of a protocol
// number: Linux's inet_add_protocol with its handler and err_handler. open runs on the
// lcore, which calls the ip.Protocol from then on. EEXIST: the number is taken.
func (h *Host) RegisterProtocol(number uint8, open func(s *Stack) ip.Protocol) error {
	t := &h.protocols
	t.mu.Lock()
	defer t.mu.Unlock()
	var row []ip.Protocol
	for _, s := range h.stacks {
		err := error(syscall.ENETDOWN)
		s.Core.Call(func() {
			if s.IP.HasProtocol(number) {
				err = syscall.EEXIST
				return
			}
			p := open(s)
			if err = s.IP.AddProtocol(number, p); err == nil {
				row = append(row, p)
			}
		})
		if err != nil {
			h.removeProtocol(number, row)
			return fmt.Errorf("inet: protocol %d cannot be registered: %w", number, err)
		}
	}
	if t.rows == nil {
		t.rows = make(map[uint8][]ip.Protocol)
	}
	t.rows[number] = row
	return nil
}

// UnregisterProtocol removes what RegisterProtocol registered: on return no lcore calls it
// any more. EPERM: the plane's own protocols stay; ENOENT: nobody has the number.
func (h *Host) UnregisterProtocol(number uint8) error {
	t := &h.protocols
	t.mu.Lock()
	defer t.mu.Unlock()
	row, ok := t.rows[number]
	if !ok {
		errno := syscall.ENOENT
		h.stacks[0].Core.Call(func() {
			if h.stacks[0].IP.HasProtocol(number) {
				errno = syscall.EPERM
			}
		})
		return fmt.Errorf("inet: protocol %d cannot be removed: %w", number, errno)
	}
	delete(t.rows, number)
	h.removeProtocol(number, row)
	return nil
}

// removeProtocol removes row from the lcores that have it.
func (h *Host) removeProtocol(number uint8, row []ip.Protocol) {
	for i, p := range row {
		s := h.stacks[i]
		s.Core.Call(func() { s.IP.RemoveProtocol(number, p) })
	}
}

// Pool returns the lcore's buffers.
func (s *Stack) Pool() *mbuf.Pool { return s.pool }

// SendIP sends a packet of a protocol: b, which is borrowed, behind an IP header for e. It
// goes in fragments if it must and e allows it. Runs on the lcore; now is that of Input,
// or Core.Now. Errors: those of routes, EMSGSIZE, ENOBUFS.
func (s *Stack) SendIP(e *ip.Endpoint, protocol uint8, b []byte, now perf.Tick) syscall.Errno {
	m := s.pool.Build(b)
	if m == nil {
		s.stat.Lose(perf.LostNoMbuf)
		return syscall.ENOBUFS
	}
	return s.IP.Output(m, e, protocol, now)
}
