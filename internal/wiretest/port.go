package wiretest

import (
	"dataplane/mbuf"
	"dataplane/pmd"
)

var (
	_ pmd.Port  = (*port)(nil)
	_ pmd.Queue = (*port)(nil)
)

// port is the stack's link: frames in come from the test, frames out go to it.
type port struct {
	w    *Wire
	info pmd.Info
	pool *mbuf.Pool
	in   [][]byte // waiting to be received
	full bool     // TxBurst takes nothing
	out  uint64
}

func (p *port) Info() pmd.Info           { return p.info }
func (p *port) Queue(int) pmd.Queue      { return p }
func (p *port) LinkUp() bool             { return true }
func (p *port) Stats() pmd.Stats         { return pmd.Stats{OPackets: p.out} }
func (p *port) Close() error             { return nil }
func (p *port) FD() int                  { return -1 }
func (p *port) Start([]*mbuf.Pool) error { return nil }

// RxBurst hands over what the test injected. It returns buffers.
func (p *port) RxBurst(b []*mbuf.Mbuf) int {
	n := 0
	for n < len(b) && len(p.in) > 0 {
		m := p.load(p.in[0])
		if m == nil {
			break
		}
		p.in = p.in[1:]
		b[n] = m
		n++
	}
	return n
}

// load copies a frame into a buffer, or several when it is long.
func (p *port) load(frame []byte) *mbuf.Mbuf {
	head := p.pool.Alloc()
	if head == nil {
		return nil
	}
	frame = frame[copy(head.Append(min(len(frame), head.Tailroom())), frame):]
	for len(frame) > 0 {
		m := p.pool.Alloc()
		if m == nil {
			p.pool.Free(head)
			return nil
		}
		frame = frame[copy(m.Append(min(len(frame), m.Tailroom())), frame):]
		head.Chain(m)
	}
	return head
}

// TxBurst takes the frames and shows them to the test.
func (p *port) TxBurst(b []*mbuf.Mbuf) int {
	if p.full {
		return 0
	}
	for _, m := range b {
		data := make([]byte, m.PktLen)
		if n := m.CopyTo(0, data); n != len(data) {
			p.w.T.Errorf("wiretest: a frame of %d bytes holds %d", len(data), n)
		}
		p.w.sent(data, m)
		p.pool.Free(m)
		p.out++
	}
	return len(b)
}
