package ip

import (
	"syscall"
	"testing"

	"dataplane/eth"
	"dataplane/perf"
)

func TestResolveIsCached(t *testing.T) {
	r := newRig(t)
	e := &Endpoint{Remote: far}
	if errno := r.l.Resolve(e); errno != 0 || e.Local != own0 || e.Dst.Src != own0 || e.Dst.Iface != r.ifaces[0] || e.Dst.MTU != 1500 {
		t.Fatalf("%v %+v", errno, e)
	}
	before := e.Dst
	r.l.Resolve(e)
	if e.Dst != before {
		t.Error("resolved again without reason")
	}
	// Another destination, another source.
	e.Remote = peer1
	e.Local = Addr{}
	if r.l.Resolve(e); e.Local != own1 || e.Dst.Iface != r.ifaces[1] || e.Dst.MTU != 576 {
		t.Errorf("%+v", e)
	}
	// A new snapshot: at once, and an address that is gone is no source.
	r.routes.Store(mustRoutes(t, r.addrs()[:1], Route{Prefix: prefix("0.0.0.0/0"), Gateway: router, Iface: AnyIface, MTU: 1280}))
	if errno := r.l.Resolve(e); errno != syscall.EADDRNOTAVAIL {
		t.Error(errno)
	}
	e.Local = Addr{}
	if errno := r.l.Resolve(e); errno != 0 || e.Local != own0 || e.Dst.MTU != 1280 {
		t.Errorf("%v %+v", errno, e.Dst)
	}
}

func TestResolveBroadcastLeaveWithdrawn(t *testing.T) {
	r := newRig(t)
	e := &Endpoint{Remote: broadcast4, Broadcast: true}
	if errno := r.l.Resolve(e); errno != 0 {
		t.Fatal(errno)
	}
	e.Broadcast = false
	if errno := r.l.Resolve(e); errno != syscall.EACCES {
		t.Error(errno)
	}
}

// A neighbour that was forgotten is looked up again.
func TestResolveDeadNeighbor(t *testing.T) {
	r := newRig(t)
	r.learn(0, peer0)
	e := &Endpoint{Remote: peer0}
	r.l.Resolve(e)
	n := e.Dst.Neigh
	r.advance(30 * perf.Minute)
	if !n.Dead() {
		t.Skip("eth keeps it")
	}
	if r.l.Resolve(e); e.Dst.Neigh.Dead() {
		t.Error("a dead neighbour is in use")
	}
}

func TestResolveIfaceWithoutPort(t *testing.T) {
	r := newRig(t)
	r.l.ifaces[1] = nil
	if errno := r.l.Resolve(&Endpoint{Remote: peer1}); errno != syscall.ENETUNREACH {
		t.Error(errno)
	}
	if r.l.PathMTU(peer1) != 0 {
		t.Error("an MTU without a port")
	}
}

// RFC 1122 3.3.1.4: a gateway that does not answer is left for another one, and
// the transport hears of what was lost.
func TestDeadGateway_RFC1122_3_3_1_4(t *testing.T) {
	r := newRig(t)
	other := addr("10.0.0.253")
	r.routes.Store(mustRoutes(t, r.addrs(),
		Route{Prefix: prefix("0.0.0.0/0"), Gateway: router, Iface: AnyIface, Metric: 1},
		Route{Prefix: prefix("0.0.0.0/0"), Gateway: other, Iface: AnyIface, Metric: 2}))
	hop := func(e *Endpoint) Addr {
		if errno := r.l.Resolve(e); errno != 0 {
			t.Fatal(errno)
		}
		return Addr(e.Dst.Neigh.Addr())
	}
	e := &Endpoint{Remote: far}
	if hop(e) != router {
		t.Fatalf("the first gateway is %v", hop(e))
	}
	data := pattern(40)
	if errno := r.send(e, data); errno != 0 {
		t.Fatal(errno)
	}
	r.advance(5 * perf.Second)
	if len(r.udp.errs) != 1 {
		t.Fatalf("%d errors", len(r.udp.errs))
	}
	if err := r.udp.errs[0]; err.Errno != syscall.EHOSTUNREACH || err.Hard || err.Src != own0 || err.Dst != far || len(err.Payload) != 40 {
		t.Errorf("%+v", err)
	}
	if hop(e) != other {
		t.Fatal("the dead gateway is still in use")
	}
	r.learn(0, other)
	r.send(e, data)
	if len(r.packets(0)) != 1 {
		t.Error("nothing sent by the other gateway")
	}
	// Its memory outlives eth's.
	r.advance(2 * perf.Minute)
	r.learn(0, other)
	if h := hop(&Endpoint{Remote: addr("198.51.100.8")}); h != other {
		t.Error("the dead gateway is used again after 2 minutes")
	}
	// It speaks again: used again.
	r.learn(0, router)
	if h := hop(&Endpoint{Remote: addr("198.51.100.9")}); h != router {
		t.Error("the gateway that came back is not used")
	}
}

// With one gateway only, the error comes and the gateway stays.
func TestDeadOnlyGateway(t *testing.T) {
	r := newRig(t)
	e := &Endpoint{Remote: far}
	r.send(e, pattern(40))
	r.send(e, pattern(41))
	r.advance(4 * perf.Second)
	if len(r.udp.errs) != 2 {
		t.Fatalf("%d errors", len(r.udp.errs))
	}
	// Now the link knows that it is dead: the caller hears it at once, and is not
	// called back from within its own call.
	if errno := r.send(e, pattern(42)); errno != syscall.EHOSTUNREACH {
		t.Error(errno)
	}
	if len(r.udp.errs) != 2 {
		t.Error("called back from within Output")
	}
	if r.l.Resolve(e) != 0 || Addr(e.Dst.Neigh.Addr()) != router {
		t.Error("the only gateway was given up")
	}
	r.discard()
}

func TestNeighborIsAsked(t *testing.T) {
	r := newRig(t)
	r.send(&Endpoint{Remote: peer0}, pattern(3))
	out := r.sent(0)
	if len(out) != 1 || eth.Header(out[0]).Type() != eth.TypeARP {
		t.Fatalf("%d frames", len(out))
	}
	r.in(0, arpReply(peer0, own0, r.ifaces[0].MAC))
	if len(r.packets(0)) != 1 {
		t.Error("the packet that waited was not sent")
	}
}
