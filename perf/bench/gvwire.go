package main

import (
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const (
	slots     = 512 // descriptors of a wire, as ours has
	slotSize  = 2048
	wireBurst = 32
)

// wireLink is gVisor's end of an in-memory wire like ours: a ring of slots, one
// copy into it, one out of it, taken in bursts. It carries no Ethernet header and
// needs no ARP, and its poller parks when there is nothing instead of polling,
// which is cheaper on one CPU.
type wireLink struct {
	peer *wireLink
	mtu  uint32

	mu   sync.Mutex // senders take turns
	ring [slots][slotSize]byte
	size [slots]int
	head atomic.Uint64 // written by senders
	tail atomic.Uint64 // written by the peer's poller

	asleep   atomic.Bool // set by the peer's poller, cleared by the sender that wakes it
	wake     chan struct{}
	quit     chan struct{}
	once     sync.Once
	done     sync.WaitGroup
	dispatch atomic.Pointer[stack.NetworkDispatcher]
}

var _ stack.LinkEndpoint = (*wireLink)(nil)

func newWire(mtu uint32) (a, b *wireLink) {
	mk := func() *wireLink {
		return &wireLink{mtu: mtu, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	}
	a, b = mk(), mk()
	a.peer, b.peer = b, a
	return a, b
}

func (l *wireLink) MTU() uint32                                  { return l.mtu }
func (l *wireLink) SetMTU(uint32)                                {}
func (l *wireLink) MaxHeaderLength() uint16                      { return 0 }
func (l *wireLink) LinkAddress() tcpip.LinkAddress               { return "" }
func (l *wireLink) SetLinkAddress(tcpip.LinkAddress)             {}
func (l *wireLink) Capabilities() stack.LinkEndpointCapabilities { return 0 }
func (l *wireLink) ARPHardwareType() header.ARPHardwareType      { return header.ARPHardwareNone }
func (l *wireLink) AddHeader(*stack.PacketBuffer)                {}
func (l *wireLink) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (l *wireLink) SetOnCloseAction(func())                      {}
func (l *wireLink) Wait()                                        { l.done.Wait() }
func (l *wireLink) IsAttached() bool                             { return l.dispatch.Load() != nil }
func (l *wireLink) Close()                                       { l.once.Do(func() { close(l.quit) }) }

// Attach starts the poller, which serves the peer's ring.
func (l *wireLink) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		l.Close()
		return
	}
	if l.dispatch.Swap(&d) == nil {
		l.done.Go(l.poll)
	}
}

// WritePackets copies into the ring. What does not fit is lost, as on our wire
// when nobody waits.
func (l *wireLink) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := l.head.Load()
	room := slots - int(head-l.tail.Load())
	n := 0
	for _, pkt := range pkts.AsSlice() {
		if n == room {
			break
		}
		slot, at := head%slots, 0
		for _, part := range pkt.AsSlices() {
			at += copy(l.ring[slot][at:], part)
		}
		l.size[slot] = at
		head++
		n++
	}
	l.head.Store(head)
	if l.asleep.Load() && l.asleep.CompareAndSwap(true, false) {
		l.wake <- struct{}{}
	}
	return pkts.Len(), nil
}

// poll delivers what the peer sends.
func (l *wireLink) poll() {
	p := l.peer
	for {
		n := min(p.head.Load()-p.tail.Load(), wireBurst)
		for range n {
			slot := p.tail.Load() % slots
			v := buffer.NewViewWithData(p.ring[slot][:p.size[slot]])
			p.tail.Add(1)
			pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(v)})
			(*l.dispatch.Load()).DeliverNetworkPacket(header.IPv4ProtocolNumber, pkt)
			pkt.DecRef()
		}
		if n > 0 {
			continue
		}
		p.asleep.Store(true)
		if p.head.Load() != p.tail.Load() && p.asleep.CompareAndSwap(true, false) {
			continue
		}
		select {
		case <-p.wake:
		case <-l.quit:
			return
		}
	}
}
