package netlink

import (
	"net"
	"testing"
	_ "unsafe" // for go:linkname

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/ip"
)

// The library keeps these to itself.

//go:linkname parseAddr github.com/vishvananda/netlink.parseAddr
func parseAddr(m []byte) (nl.Addr, int, error)

//go:linkname deserializeRoute github.com/vishvananda/netlink.deserializeRoute
func deserializeRoute(m []byte) (nl.Route, error)

// Everything that is answered is read by a library that others wrote for Linux.
func TestLibraryReadsLinks(t *testing.T) {
	f, p := rig(t)
	p.links[0].Stats = Stats{RxPackets: 7, TxBytes: 1 << 40}
	c := dial(t, f, protoRoute)
	all, _ := c.ask(rtmGetLink, flagDump, make([]byte, ifinfoLen))
	if len(all) != 2 {
		t.Fatalf("%d links", len(all))
	}
	l, err := nl.LinkDeserialize(&unix.NlMsghdr{Type: unix.RTM_NEWLINK}, all[0].data)
	if err != nil {
		t.Fatal(err)
	}
	a := l.Attrs()
	if a.Name != "dp0" || a.Index != 1 || a.MTU != 1500 || a.HardwareAddr.String() != "02:00:00:00:00:02" || a.OperState != nl.OperUp ||
		a.Flags&net.FlagUp == 0 || a.Statistics.RxPackets != 7 || a.Statistics.TxBytes != 1<<40 {
		t.Errorf("%+v", a)
	}
	lo, err := nl.LinkDeserialize(&unix.NlMsghdr{Type: unix.RTM_NEWLINK}, all[1].data)
	if err != nil || lo.Attrs().Name != "lo" || lo.Attrs().Flags&net.FlagLoopback == 0 {
		t.Errorf("%+v, %v", lo.Attrs(), err)
	}
}

func TestLibraryReadsAddresses(t *testing.T) {
	f, _ := rig(t)
	all, _ := dial(t, f, protoRoute).ask(rtmGetAddr, flagDump, []byte{0})
	var got []string
	for _, h := range all {
		a, fam, err := parseAddr(h.data)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, a.String())
		if a.IPNet.IP.String() == "10.0.0.2" && (fam != unix.AF_INET || a.Broadcast != nil || a.Label != "dp0" || a.LinkIndex != 1 || a.Scope != 0) {
			t.Errorf("%+v of family %d", a, fam)
		}
	}
	if want := 3; len(got) != want {
		t.Errorf("%d addresses, want %d: %v", len(got), want, got)
	}
}

// What routers gave is told from what the configuration did.
func TestAddressFlags(t *testing.T) {
	f, p := rig(t)
	a := addr("2001:db8::2")
	for flags, note := range map[int]ip.AddrNote{
		unix.IFA_F_PERMANENT: {}, unix.IFA_F_TEMPORARY: {Addr: a, Temporary: true},
		unix.IFA_F_PERMANENT | unix.IFA_F_DEPRECATED: {Addr: a, Deprecated: true},
		unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED: {Addr: a, Deprecated: true, Temporary: true},
	} {
		must(t, p.Change(func(d *ip.Draft) error {
			d.Ifaces[0].Notes = []ip.AddrNote{note}
			return nil
		}))
		all, _ := dial(t, f, protoRoute).ask(rtmGetAddr, flagDump, []byte{unix.AF_INET6})
		if len(all) != 1 {
			t.Fatalf("%d addresses", len(all))
		}
		if got, _, err := parseAddr(all[0].data); err != nil || got.Flags != flags || (got.PreferedLft == 0) != note.Deprecated {
			t.Errorf("%+v: %+v, %v", note, got, err)
		}
	}
}

func TestLibraryReadsRoutes(t *testing.T) {
	f, _ := rig(t)
	all, _ := dial(t, f, protoRoute).ask(rtmGetRoute, flagDump, []byte{0})
	count := map[int]int{}
	for _, h := range all {
		r, err := deserializeRoute(h.data)
		if err != nil {
			t.Fatal(err)
		}
		count[r.Table]++
		switch {
		case r.Table != unix.RT_TABLE_MAIN:
		case r.Dst.String() == "0.0.0.0/0" || r.Dst == nil:
			if r.Gw.String() != "10.0.0.1" || r.LinkIndex != 1 {
				t.Errorf("%+v", r)
			}
		case r.Dst.String() == "10.0.0.0/24":
			if r.Src.String() != "10.0.0.2" || r.Scope != nl.SCOPE_LINK || r.Protocol != unix.RTPROT_KERNEL {
				t.Errorf("%+v", r)
			}
		}
	}
	if count[unix.RT_TABLE_MAIN] != 3 || count[unix.RT_TABLE_LOCAL] != 5 {
		t.Errorf("routes in tables: %v", count)
	}
}

func TestLibraryReadsNeighbors(t *testing.T) {
	f, p := rig(t)
	p.neighs = []Neighbor{{Index: 1, Addr: addr("10.0.0.9"), MAC: [6]byte{2, 0, 0, 0, 0, 9}, State: 1}}
	all, _ := dial(t, f, protoRoute).ask(rtmGetNeigh, flagDump, make([]byte, ndmsgLen))
	if len(all) != 1 {
		t.Fatalf("%d neighbours", len(all))
	}
	n, err := nl.NeighDeserialize(all[0].data)
	if err != nil || n.IP.String() != "10.0.0.9" || n.HardwareAddr.String() != "02:00:00:00:00:09" || n.State != nl.NUD_REACHABLE || n.LinkIndex != 1 {
		t.Errorf("%+v, %v", n, err)
	}
}
