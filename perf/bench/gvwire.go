package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/stack/gro"
)

// wireKind says what a wire of gVisor's does in its stack's place.
type wireKind struct {
	gso     stack.SupportedGSO
	gro     bool // merge what a burst brings (stack/gro), which verifies checksums
	hostGSO bool // super-segments go over the wire whole, and nobody sums their payload
}

// wireLink is gVisor's end of a wire of slots. It carries no Ethernet header and
// needs no ARP, and its poller parks when there is nothing instead of polling,
// which is cheaper on one CPU.
type wireLink struct {
	tx, rx *slots
	kind   wireKind

	mu sync.Mutex // senders take turns

	asleep   atomic.Bool // set by the poller, cleared by the sender that wakes it
	wake     chan struct{}
	quit     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
	dispatch atomic.Pointer[stack.NetworkDispatcher]
	gro      gro.GRO
}

var (
	_ stack.LinkEndpoint = (*wireLink)(nil)
	_ stack.GSOEndpoint  = (*wireLink)(nil)
)

func newWireLink(tx, rx *slots, kind wireKind) *wireLink {
	l := &wireLink{tx: tx, rx: rx, kind: kind, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	rx.arrived = func() {
		if l.asleep.Load() && l.asleep.CompareAndSwap(true, false) {
			l.wake <- struct{}{}
		}
	}
	l.gro.Init(true)
	return l
}

// newWire joins two of them.
func newWire(kind wireKind) (a, b *wireLink) {
	n, size := slotCount, slotSize
	if kind.hostGSO {
		n, size = 16, 68<<10 // as much memory as in the other case
	}
	there, back := newSlots(n, size), newSlots(n, size)
	return newWireLink(there, back, kind), newWireLink(back, there, kind)
}

func (l *wireLink) MTU() uint32                             { return 1500 }
func (l *wireLink) SetMTU(uint32)                           {}
func (l *wireLink) MaxHeaderLength() uint16                 { return 0 }
func (l *wireLink) LinkAddress() tcpip.LinkAddress          { return "" }
func (l *wireLink) SetLinkAddress(tcpip.LinkAddress)        {}
func (l *wireLink) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (l *wireLink) AddHeader(*stack.PacketBuffer)           {}
func (l *wireLink) ParseHeader(*stack.PacketBuffer) bool    { return true }
func (l *wireLink) SetOnCloseAction(func())                 {}
func (l *wireLink) Wait()                                   { l.done.Wait() }
func (l *wireLink) IsAttached() bool                        { return l.dispatch.Load() != nil }
func (l *wireLink) Close()                                  { l.once.Do(func() { close(l.quit) }) }
func (l *wireLink) GSOMaxSize() uint32                      { return stack.GVisorGSOMaxSize }
func (l *wireLink) SupportedGSO() stack.SupportedGSO        { return l.kind.gso }

// Capabilities must include receive checksum offload where GRO has verified the
// checksums: the stack could not verify those of a merged packet.
func (l *wireLink) Capabilities() stack.LinkEndpointCapabilities {
	switch {
	case l.kind.hostGSO:
		return stack.CapabilityRXChecksumOffload | stack.CapabilityTXChecksumOffload
	case l.kind.gro:
		return stack.CapabilityRXChecksumOffload
	}
	return 0
}

// Attach starts the poller.
func (l *wireLink) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		l.Close()
		return
	}
	if l.dispatch.Swap(&d) == nil {
		l.gro.Dispatcher = d
		l.done.Go(l.poll)
	}
}

// patientYields is how often a sender lets others run while the ring is full.
const patientYields = 1000

// WritePackets copies into the ring, and waits a while where that is full, as a
// queue before a card does. What does not fit then is lost.
func (l *wireLink) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := pkts.AsSlice()
	for yields := 0; len(all) > 0 && yields < patientYields; {
		n := min(l.tx.room(), len(all))
		for i, pkt := range all[:n] {
			at, to := 0, l.tx.free(i)
			for _, part := range pkt.AsSlices() {
				at += copy(to[at:], part)
			}
			l.tx.filled(i, at)
		}
		if n > 0 {
			l.tx.publish(n)
			all = all[n:]
			continue
		}
		yields++
		runtime.Gosched()
	}
	return pkts.Len(), nil
}

// poll delivers what the peer sends.
func (l *wireLink) poll() {
	for {
		n := min(l.rx.waiting(), wireBurst)
		for range n {
			pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{
				Payload: buffer.MakeWithView(buffer.NewViewWithData(l.rx.frame(0))),
			})
			l.rx.done(1)
			if l.kind.gro {
				pkt.NetworkProtocolNumber = header.IPv4ProtocolNumber
				l.gro.Enqueue(pkt)
			} else {
				(*l.dispatch.Load()).DeliverNetworkPacket(header.IPv4ProtocolNumber, pkt)
			}
			pkt.DecRef()
		}
		if n > 0 {
			if l.kind.gro {
				l.gro.Flush()
			}
			continue
		}
		l.asleep.Store(true)
		if l.rx.waiting() > 0 && l.asleep.CompareAndSwap(true, false) {
			continue
		}
		select {
		case <-l.wake:
		case <-l.quit:
			return
		}
	}
}
