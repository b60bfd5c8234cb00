package ip

import (
	"errors"
	"syscall"
	"testing"
)

func draftRig(t *testing.T) *Draft {
	t.Helper()
	r, err := NewRoutes([]RouteIface{
		{Index: 0, Name: "a", MTU: 1500, Prefixes: []Prefix{prefix("10.0.0.1/24")}},
		{Index: 1, Name: "lo", MTU: 65535, Loopback: true},
	}, Route{Prefix: prefix("0.0.0.0/0"), Gateway: addr("10.0.0.9"), Iface: AnyIface})
	if err != nil {
		t.Fatal(err)
	}
	return r.Draft()
}

// A draft changes nothing of the snapshot it was taken from.
func TestDraftIsACopy(t *testing.T) {
	r, err := NewRoutes([]RouteIface{{Name: "a", MTU: 1500, Prefixes: []Prefix{prefix("10.0.0.1/24")}}})
	if err != nil {
		t.Fatal(err)
	}
	d := r.Draft()
	d.Ifaces[0].Prefixes[0] = prefix("10.9.0.1/24")
	if !r.IsLocal(addr("10.0.0.1")) || r.Ifaces()[0].Prefixes[0] != prefix("10.0.0.1/24") {
		t.Error("the snapshot changed")
	}
}

func TestDraftAddresses(t *testing.T) {
	d := draftRig(t)
	for what, want := range map[string]error{"10.0.0.1/24": syscall.EEXIST, "224.0.0.1/24": syscall.EADDRNOTAVAIL, "10.0.1.1/24": nil} {
		if err := d.AddAddr(0, prefix(what)); !errors.Is(err, want) {
			t.Errorf("add %s: %v, want %v", what, err, want)
		}
	}
	if err := d.AddAddr(7, prefix("10.0.2.1/24")); !errors.Is(err, syscall.ENODEV) {
		t.Error("add to no interface: ", err)
	}
	if err := d.DelAddr(0, prefix("10.0.0.1/25")); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Error("delete with another length: ", err)
	}
	if err := d.DelAddr(0, prefix("10.0.0.1/24")); err != nil || len(d.Routes) != 0 {
		t.Errorf("%v; the route by a gateway that is on no link stays: %v", err, d.Routes)
	}
	if _, err := d.Snapshot(); err != nil {
		t.Error(err)
	}
}

func TestDraftRoutes(t *testing.T) {
	d := draftRig(t)
	rt := Route{Prefix: prefix("10.1.0.5/16"), Gateway: addr("10.0.0.8"), Iface: AnyIface}
	if err := d.AddRoute(rt); err != nil {
		t.Fatal(err)
	}
	if err := d.AddRoute(rt); !errors.Is(err, syscall.EEXIST) {
		t.Error("a second time: ", err)
	}
	rt.Gateway = addr("10.0.0.7")
	d.ReplaceRoute(rt)
	r, err := d.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := r.Lookup(addr("10.1.2.3")); !ok || got.Gateway != rt.Gateway || got.Src != addr("10.0.0.1") {
		t.Errorf("%+v, %v", got, ok)
	}
	d = r.Draft()
	if len(d.Routes) != 2 || !d.Routes[1].Src.IsZero() {
		t.Errorf("a draft keeps what was asked for: %+v", d.Routes)
	}
	is := func(rt *Route) bool { return rt.Prefix == prefix("10.1.0.0/16") }
	if err := d.DelRoute(is); err != nil {
		t.Error(err)
	}
	if err := d.DelRoute(is); !errors.Is(err, syscall.ESRCH) {
		t.Error("a second time: ", err)
	}
}
