package api

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

var native = binary.NativeEndian

// netlinkAsk sends a request of type typ to the plane and returns the messages of the answer.
func netlinkAsk(t *testing.T, n *Net, typ, flags int, parts ...nl.NetlinkRequestData) ([]unix.NlMsghdr, [][]byte) {
	t.Helper()
	k, err := n.testSocket(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	req := nl.NewNetlinkRequest(typ, flags|unix.NLM_F_ACK)
	for _, p := range parts {
		req.AddData(p)
	}
	if _, err := k.Sendto(req.Serialize(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	var heads []unix.NlMsghdr
	var bodies [][]byte
	b := make([]byte, 1<<16)
	for {
		m, from, err := k.Recvfrom(b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			t.Errorf("an answer from %#v", from)
		}
		for rest := b[:m]; len(rest) > 0; {
			size := native.Uint32(rest)
			h := unix.NlMsghdr{Len: size, Type: native.Uint16(rest[4:]), Flags: native.Uint16(rest[6:])}
			body := append([]byte(nil), rest[unix.NLMSG_HDRLEN:size]...)
			rest = rest[(size+3)&^3:]
			switch h.Type {
			case unix.NLMSG_DONE:
				return heads, bodies
			case unix.NLMSG_ERROR:
				if errno := -int32(native.Uint32(body)); errno != 0 {
					t.Fatal(unix.Errno(errno))
				}
				return heads, bodies
			}
			heads, bodies = append(heads, h), append(bodies, body)
		}
	}
}

// ifaddr is a message about an address.
func ifaddr(index int, p netip.Prefix) []nl.NetlinkRequestData {
	msg := nl.NewIfAddrmsg(unix.AF_INET)
	msg.Prefixlen, msg.Index = uint8(p.Bits()), uint32(index)
	return []nl.NetlinkRequestData{msg, nl.NewRtAttr(unix.IFA_LOCAL, p.Addr().AsSlice()), nl.NewRtAttr(unix.IFA_ADDRESS, p.Addr().AsSlice())}
}

// A running plane gets an address, and answers by it; neighbours and links are shown.
func TestNetlinkOnPlane(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{Lcores: []int{AnyCPU, AnyCPU}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNet(t, a)
	defer closeNet(t, b)
	second := netip.MustParsePrefix("10.0.0.77/24")
	netlinkAsk(t, b, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, ifaddr(1, second)...)
	l, err := b.Listen("tcp", "10.0.0.77:7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := a.Dial("tcp", "10.0.0.77:7")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if heads, _ := netlinkAsk(t, a, unix.RTM_GETNEIGH, unix.NLM_F_DUMP, &nl.IfInfomsg{}); len(heads) == 0 {
		t.Error("no neighbour after a connection")
	}
	if heads, _ := netlinkAsk(t, a, unix.RTM_GETLINK, unix.NLM_F_DUMP, &nl.IfInfomsg{}); len(heads) != 2 {
		t.Errorf("%d links, want 2", len(heads))
	}
	netlinkAsk(t, b, unix.RTM_DELADDR, 0, ifaddr(1, second)...)
	if _, err := b.Listen("tcp", "10.0.0.77:8"); err == nil {
		t.Error("the address is gone and can be listened on")
	}
}

// A link that is off lets nothing through; switched on again, it works as before.
func TestNetlinkLinkDown(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNet(t, a)
	defer closeNet(t, b)
	set := func(flags uint32) {
		msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
		msg.Index, msg.Flags, msg.Change = 1, flags, unix.IFF_UP
		netlinkAsk(t, b, unix.RTM_NEWLINK, 0, msg)
	}
	pc, err := b.ListenPacket("udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	c, err := a.Dial("udp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 9)
	comes := func(wait time.Duration) bool {
		c.Write([]byte("hello"))
		pc.SetReadDeadline(time.Now().Add(wait))
		_, _, err := pc.ReadFrom(buf)
		return err == nil
	}
	if !comes(5 * time.Second) {
		t.Fatal("nothing comes")
	}
	set(0)
	if comes(50 * time.Millisecond) {
		t.Error("a datagram came by a link that is down")
	}
	if _, err := b.Dial("udp", "10.0.0.1:7"); err == nil {
		t.Error("there is a route by a link that is down")
	}
	set(unix.IFF_UP)
	if !comes(5 * time.Second) {
		t.Error("nothing comes after the link is up again")
	}
}

// A station that the configuration names is not asked for.
func TestNetlinkStaticNeighbor(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNet(t, a)
	defer closeNet(t, b)
	mac := b.Ports()[0].MAC
	netlinkAsk(t, a, unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, &ndmsg{1, 0x80},
		nl.NewRtAttr(1, []byte{10, 0, 0, 2}), nl.NewRtAttr(2, mac[:]))
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	netlinkAsk(t, a, unix.RTM_DELNEIGH, 0, &ndmsg{1, 0}, nl.NewRtAttr(1, []byte{10, 0, 0, 2}))
}

// ndmsg is struct ndmsg of an IPv4 neighbour.
type ndmsg struct {
	index uint32
	state uint16
}

func (m *ndmsg) Len() int { return 12 }

func (m *ndmsg) Serialize() []byte {
	b := []byte{unix.AF_INET, 0, 0, 0}
	b = native.AppendUint32(b, m.index)
	b = native.AppendUint16(b, m.state)
	return append(b, 0, 0)
}

// closeNet wants every buffer back.
func closeNet(t *testing.T, n *Net) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
