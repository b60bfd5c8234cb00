package afpacket

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"dataplane/mbuf"
	"dataplane/pmd"
)

func TestInfo(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	i := p.port.Info()
	if i.Driver != "afpacket" || i.Device != planeEnd || i.MAC != [6]byte(planeMAC) || i.MTU != 1500 || i.Queues != 1 || i.MaxTSO != 65535 {
		t.Errorf("info %+v", i)
	}
	if i.Offloads != has {
		t.Errorf("offloads %v, want %v", i.Offloads, has)
	}
	if i.Speed != 10e9 { // what a veth says
		t.Errorf("speed %d", i.Speed)
	}
	if l, err := netlink.LinkByName(planeEnd); err != nil || l.Attrs().Promisc != 0 {
		t.Errorf("promiscuous mode without need: %v", err)
	}
}

// On an interface with addresses of the kernel's the plane is a station of its own:
// both live, and neither answers for the other.
func TestSharedInterface(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	must(t, p.port.Close())
	addr, _ := netlink.ParseAddr("10.9.0.3/32")
	must(t, netlink.AddrAdd(p.link, addr))
	p.open(pmd.Options{})
	mac := p.port.Info().MAC
	if mac == [6]byte(planeMAC) || mac[0]&3 != 2 {
		t.Errorf("MAC %x", mac)
	}
	if l, _ := netlink.LinkByName(planeEnd); l.Attrs().Promisc == 0 {
		t.Error("the interface is not promiscuous")
	}
	must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: p.kernel.Attrs().Index, IP: net.ParseIP(planeIP),
		HardwareAddr: mac[:], State: netlink.NUD_PERMANENT}))
	c := listen(t)
	_, err := c.WriteTo([]byte("for the plane"), toPlane)
	must(t, err)
	wantBytes(t, "to the plane", p.collect(0, 1)[0].payload(), []byte("for the plane"))
	must(t, p.port.Close())
	if l, _ := netlink.LinkByName(planeEnd); l.Attrs().Promisc != 0 {
		t.Error("the interface is promiscuous after Close")
	}
}

// Several queues share what comes, flow by flow, and each can send.
func TestQueues(t *testing.T) {
	for _, fanout := range []string{"hash", "lb", "cpu", "qm"} {
		t.Run(fanout, func(t *testing.T) {
			p := openPair(t, 1500, pmd.Options{Queues: 2, Extra: map[string]string{"fanout": fanout}})
			const flows = 40
			for i := range flows {
				c := listen(t)
				for range 3 {
					if _, err := c.WriteTo([]byte(strconv.Itoa(i)), toPlane); err != nil {
						t.Fatal(err)
					}
				}
				p.send(i%2, p.chain(build(t, udpTo(c), []byte{byte(i)}), 2000))
				wantBytes(t, "to the kernel", recv(t, c), []byte{byte(i)})
			}
			where := make(map[string]map[int]int)
			var total, queues [2]int
			for end := time.Now().Add(20 * time.Second); total[0]+total[1] < 3*flows; {
				for q := range 2 {
					var b [32]*mbuf.Mbuf
					n := p.port.Queue(q).RxBurst(b[:])
					for _, m := range b[:n] {
						flow := string(m.Bytes()[42:])
						if where[flow] == nil {
							where[flow] = make(map[int]int)
							queues[q]++
						}
						where[flow][q]++
					}
					p.pool.FreeBulk(b[:n])
					total[q] += n
				}
				if time.Now().After(end) {
					t.Fatalf("%v of %d frames came", total, 3*flows)
				}
			}
			if fanout == "hash" {
				if queues[0] == 0 || queues[1] == 0 {
					t.Errorf("flows on the queues: %v", queues)
				}
				for flow, at := range where {
					if len(at) != 1 {
						t.Errorf("flow %s came on both queues: %v", flow, at)
					}
				}
			}
			t.Logf("frames on the queues: %v", total)
		})
	}
}

// eventually waits for something that the kernel does in its own time.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for: ", what)
		}
	}
}

// readable reports whether a core that sleeps on the queue would wake.
func readable(t testing.TB, fd int) bool {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	must(t, err)
	return n != 0
}

// The carrier goes, or the interface is taken down, and comes back.
func TestLinkDownUp(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	c := listen(t)
	for _, side := range []struct {
		name string
		link netlink.Link
	}{{"the other end", p.kernel}, {"our end", p.link}} {
		t.Run(side.name, func(t *testing.T) {
			p.send(0, p.chain(build(t, udpTo(c), []byte("before")), 2000))
			wantBytes(t, "before", recv(t, c), []byte("before"))
			must(t, netlink.LinkSetDown(side.link))
			if p.port.LinkUp() {
				t.Error("up while it is down")
			}
			before := p.port.Stats()
			for range 10 { // taken and lost
				p.send(0, p.chain(build(t, udpTo(c), []byte("lost")), 2000))
			}
			if s := p.port.Stats(); s.OErrors-before.OErrors != 10 || s.OPackets != before.OPackets {
				t.Errorf("stats %+v, before %+v", s, before)
			}
			// A core that sleeps is not woken again and again.
			var b [8]*mbuf.Mbuf
			p.pool.FreeBulk(b[:p.port.Queue(0).RxBurst(b[:])])
			eventually(t, "a descriptor that is silent", func() bool { return !readable(t, p.port.Queue(0).FD()) })

			must(t, netlink.LinkSetUp(side.link))
			eventually(t, "the flag that the lcore sees", func() bool { return !p.port.link.down.Load() })
			if !p.port.LinkUp() {
				t.Error("down after it came up")
			}
			running(t, p.kernel)
			running(t, p.link)
			must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: p.kernel.Attrs().Index, IP: net.ParseIP(planeIP),
				HardwareAddr: planeMAC, State: netlink.NUD_PERMANENT}))
			p.send(0, p.chain(build(t, udpTo(c), []byte("after")), 2000))
			wantBytes(t, "after", recv(t, c), []byte("after"))
			_, err := c.WriteTo([]byte("in"), toPlane)
			must(t, err)
			var in []byte
			for in == nil { // the kernel may ask for its neighbours first
				in = p.collect(0, 1)[0].payload()
			}
			wantBytes(t, "in", in, []byte("in"))
		})
	}
}

// Nobody asks LinkUp: the port finds out by itself, and its queue, which the
// interface refuses, does not fill up.
func TestLinkDownUnasked(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	must(t, netlink.LinkSetDown(p.kernel))
	frame := build(t, &layers.UDP{SrcPort: 1, DstPort: 2}, []byte("lost"))
	eventually(t, "frames that are taken and lost", func() bool {
		m := p.chain(frame, 2000)
		if p.port.Queue(0).TxBurst([]*mbuf.Mbuf{m}) == 0 {
			p.pool.Free(m)
		}
		return p.port.Stats().OErrors > 0
	})
}

// The interface is deleted under the port's feet.
func TestInterfaceDeleted(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{Queues: 2})
	c := listen(t)
	frame := build(t, udpTo(c), []byte("x"))
	must(t, netlink.LinkDel(p.kernel))
	if p.port.LinkUp() {
		t.Error("the link of an interface that is gone is up")
	}
	var b [8]*mbuf.Mbuf
	for i := range 10 {
		p.send(i%2, p.chain(frame, 2000))
		if n := p.port.Queue(i % 2).RxBurst(b[:]); n != 0 {
			t.Errorf("%d frames came", n)
			p.pool.FreeBulk(b[:n])
		}
	}
	if s := p.port.Stats(); s.OErrors != 10 {
		t.Errorf("stats %+v", s)
	}
	for i := range 2 {
		eventually(t, "a descriptor that is silent", func() bool { return !readable(t, p.port.Queue(i).FD()) })
	}
	// Another interface of that name is not ours.
	wire(t, 1500)
	if p.port.LinkUp() {
		t.Error("took another interface for its own")
	}
	must(t, p.port.Close())
}

// A renamed interface is still ours.
func TestInterfaceRenamed(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	must(t, netlink.LinkSetDown(p.link))
	must(t, netlink.LinkSetName(p.link, "ap9"))
	must(t, netlink.LinkSetUp(p.link))
	eventually(t, "the link", p.port.LinkUp)
}

func TestCloseTwice(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{Queues: 3})
	before := descriptors(t)
	for range 2 {
		must(t, p.port.Close())
	}
	if after := descriptors(t); after != before-5 { // 3 queues, rtnetlink, ioctl
		t.Errorf("%d descriptors, %d before Close", after, before)
	}
	if p.port.LinkUp() || p.port.Queue(0).FD() != -1 {
		t.Error("a closed port has a link")
	}
	p.send(0, p.chain(make([]byte, 60), 60))
	if s := p.port.Stats(); s.OErrors != 1 {
		t.Errorf("stats %+v", s)
	}
}

// Frames for other stations come while somebody wants them.
func TestListen(t *testing.T) {
	p := openPair(t, 1500, pmd.Options{})
	c := listen(t)
	must(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: p.kernel.Attrs().Index, IP: net.ParseIP(planeIP),
		HardwareAddr: net.HardwareAddr{2, 9, 9, 9, 9, 9}, State: netlink.NUD_PERMANENT}))
	promisc := func() int {
		l, err := netlink.LinkByName(planeEnd)
		must(t, err)
		return l.Attrs().Promisc
	}
	send := func(s string) {
		_, err := c.WriteTo([]byte(s), toPlane)
		must(t, err)
	}
	send("for another")
	must(t, p.port.Listen(true, true))
	must(t, p.port.Listen(true, true))
	if promisc() == 0 {
		t.Error("the interface is not promiscuous")
	}
	send("heard")
	for heard := false; !heard; {
		for _, f := range p.collect(0, 1) {
			if string(f.payload()) == "for another" {
				t.Error("a frame for another station came unasked")
			}
			heard = heard || string(f.payload()) == "heard"
		}
	}
	must(t, p.port.Listen(false, false))
	if promisc() != 0 {
		t.Error("the interface is still promiscuous")
	}
	must(t, p.port.Close())
	if p.port.Listen(true, true) == nil {
		t.Error("a closed port listens")
	}
}
