package netlink

import (
	"slices"
	"syscall"
	"testing"

	"dataplane/sock"
)

func TestAddressesChange(t *testing.T) {
	f, p := rig(t)
	c := dial(t, f, protoRoute)
	second := prefix("10.0.1.2/24")
	c.wants(0, rtmNewAddr, flagCreate|flagExcl, addrBody(1, second))
	if !p.routes.IsLocal(second.Addr) {
		t.Error("the address is not ours")
	}
	c.wants(syscall.EEXIST, rtmNewAddr, flagCreate|flagExcl, addrBody(1, second))
	c.wants(0, rtmNewAddr, flagCreate|flagReplace, addrBody(1, second))
	c.wants(syscall.ENODEV, rtmNewAddr, flagCreate, addrBody(9, prefix("10.0.2.2/24")))
	c.wants(syscall.EINVAL, rtmNewAddr, flagCreate, []byte{syscall.AF_INET, 24, 0, 0, 1, 0, 0, 0})
	c.wants(syscall.EAFNOSUPPORT, rtmNewAddr, flagCreate, []byte{syscall.AF_UNIX, 24, 0, 0, 1, 0, 0, 0})
	c.wants(0, rtmDelAddr, 0, addrBody(1, second))
	c.wants(syscall.EADDRNOTAVAIL, rtmDelAddr, 0, addrBody(1, second))
	c.wants(0, rtmNewAddr, flagCreate, addrBody(1, prefix("2001:db8:1::2/64")))
}

func TestRoutesChange(t *testing.T) {
	f, p := rig(t)
	c := dial(t, f, protoRoute)
	to := prefix("192.168.0.0/16")
	c.wants(syscall.ENOENT, rtmNewRoute, 0, routeBody(to, addr("10.0.0.9"), 0))
	c.wants(syscall.ENETUNREACH, rtmNewRoute, flagCreate, routeBody(to, addr("10.7.0.9"), 0))
	c.wants(syscall.ENETUNREACH, rtmNewRoute, flagCreate, routeBody(to, addr("10.0.0.9"), 77))
	c.wants(0, rtmNewRoute, flagCreate|flagExcl, routeBody(to, addr("10.0.0.9"), 0))
	c.wants(syscall.EEXIST, rtmNewRoute, flagCreate|flagExcl, routeBody(to, addr("10.0.0.9"), 0))
	c.wants(0, rtmNewRoute, flagCreate|flagReplace, routeBody(to, addr("10.0.0.8"), 0))
	if rt, ok := p.routes.Lookup(addr("192.168.3.4")); !ok || rt.Gateway != addr("10.0.0.8") {
		t.Errorf("%+v", rt)
	}
	c.wants(0, rtmNewRoute, flagCreate, routeBody(prefix("2001:db8:5::/48"), addr("2001:db8::9"), 0))
	all, errno := c.ask(rtmGetRoute, 0, routeBody(prefix("192.168.3.4/32"), addr("0.0.0.0"), 0))
	if errno != 0 || len(all) != 1 {
		t.Fatalf("get: %d answers, %v", len(all), errno)
	}
	r, err := deserializeRoute(all[0].data)
	if err != nil || r.Gw.String() != "10.0.0.8" || r.Src.String() != "10.0.0.2" || r.Dst.String() != "192.168.3.4/32" {
		t.Errorf("%+v, %v", r, err)
	}
	c.wants(syscall.EOPNOTSUPP, rtmDelRoute, 0, routeBody(prefix("10.0.0.0/24"), addr("0.0.0.0"), 0))
	c.wants(0, rtmDelRoute, 0, routeBody(to, addr("0.0.0.0"), 0))
	c.wants(syscall.ESRCH, rtmDelRoute, 0, routeBody(to, addr("0.0.0.0"), 0))
	c.wants(0, rtmDelRoute, 0, routeBody(prefix("0.0.0.0/0"), addr("0.0.0.0"), 0))
	c.wants(syscall.ENETUNREACH, rtmGetRoute, 0, routeBody(prefix("192.168.3.4/32"), addr("0.0.0.0"), 0))
}

func TestLinkChanges(t *testing.T) {
	f, p := rig(t)
	c, mon := dial(t, f, protoRoute), dial(t, f, protoRoute)
	must(t, mon.Ops.Bind(mon.Socket, sock.NetlinkName(0, 1<<(groupLink-1))))
	body := func(index, flags, mask uint32, mtu uint32) []byte {
		var w writer
		w.u8(0, 0, 0, 0)
		w.u32(index)
		w.u32(flags)
		w.u32(mask)
		if mtu != 0 {
			w.attr32(linkMTU, mtu)
		}
		return w.b
	}
	c.wants(syscall.EINVAL, rtmNewLink, 0, body(0, 0, 0, 1400))
	c.wants(syscall.ENODEV, rtmNewLink, 0, body(9, 0, 0, 1400))
	c.wants(syscall.EOPNOTSUPP, rtmNewLink, flagCreate, body(9, 0, 0, 1400))
	c.wants(syscall.EINVAL, rtmSetLink, 0, body(1, 0, 0, 9000))
	c.wants(0, rtmSetLink, 0, body(1, 0, 0, 1400))
	if p.routes.Ifaces()[0].MTU != 1400 {
		t.Error("the MTU has not changed")
	}
	if got := mon.types(); !slices.Equal(got, []uint16{rtmNewLink}) {
		t.Errorf("told %v", got)
	}
	c.wants(0, rtmNewLink, 0, body(1, 0, iffUp, 0))
	if p.routes.IsLocal(addr("10.0.0.2")) {
		t.Error("the address of a link that is down counts")
	}
	c.wants(syscall.ENETDOWN, rtmNewRoute, flagCreate, routeBody(prefix("10.5.0.0/16"), addr("0.0.0.0"), 1))
	c.wants(0, rtmNewLink, 0, body(1, iffUp, iffUp, 0))
	if !p.routes.IsLocal(addr("10.0.0.2")) {
		t.Error("the address did not come back")
	}
	c.wants(syscall.EOPNOTSUPP, rtmDelLink, 0, body(1, 0, 0, 0))
}

func TestNeighborsChange(t *testing.T) {
	f, p := rig(t)
	c, mon := dial(t, f, protoRoute), dial(t, f, protoRoute)
	must(t, mon.Ops.Bind(mon.Socket, sock.NetlinkName(0, 1<<(groupNeigh-1))))
	body := func(state uint16, mac bool) []byte {
		var w writer
		w.u8(syscall.AF_INET, 0, 0, 0)
		w.u32(1)
		w.u16(state)
		w.u16(0)
		w.attrAddr(ndaDst, addr("10.0.0.9"))
		if mac {
			w.attr(ndaLLAddr, []byte{2, 0, 0, 0, 0, 9})
		}
		return w.b
	}
	c.wants(syscall.EOPNOTSUPP, rtmNewNeigh, flagCreate, body(2, true))
	c.wants(syscall.EINVAL, rtmNewNeigh, flagCreate, body(nudPermanent, false))
	c.wants(syscall.ENOENT, rtmNewNeigh, flagReplace, body(nudPermanent, true))
	c.wants(0, rtmNewNeigh, flagCreate|flagExcl, body(nudPermanent, true))
	c.wants(syscall.EEXIST, rtmNewNeigh, flagCreate|flagExcl, body(nudPermanent, true))
	c.wants(0, rtmNewNeigh, flagCreate|flagReplace, body(nudPermanent, true))
	if len(p.neighs) != 1 {
		t.Error(p.neighs)
	}
	c.wants(0, rtmDelNeigh, 0, body(0, false))
	if got := mon.types(); !slices.Equal(got, []uint16{rtmNewNeigh, rtmNewNeigh, rtmNewNeigh, rtmDelNeigh}) {
		t.Errorf("told %v", got)
	}
}

// types are those of the messages that wait.
func (c *client) types() (all []uint16) {
	for {
		part := c.next()
		if len(part) == 0 {
			return all
		}
		for _, h := range part {
			all = append(all, h.Type)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
