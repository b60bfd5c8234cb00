package e2e

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// diagRequest is struct inet_diag_req_v2 of TCP, with every attribute.
type diagRequest struct{ states uint32 }

func (d *diagRequest) Len() int { return 56 }

func (d *diagRequest) Serialize() []byte {
	b := make([]byte, d.Len())
	b[0], b[1], b[2] = unix.AF_INET, unix.IPPROTO_TCP, 0xff
	native.PutUint32(b[4:], d.states)
	return b
}

// The two ends of a connection, as the plane and as the kernel list them, have the same
// attributes and mirrored names.
func TestNetlinkDiagBothEnds(t *testing.T) {
	b := newBed(t)
	l, err := b.plane.Listen("tcp4", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	c, err := net.DialTimeout("tcp", planeIP+":7", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	c.Write([]byte("hello"))
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	plane, kernel := talkers(b, unix.NETLINK_INET_DIAG)
	var sets [2]map[uint16]bool
	var ends [2][]byte
	for i, k := range []talker{plane, kernel} {
		req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
		req.AddData(&diagRequest{1 << 1})
		all, errno := askNetlink(t, k, req)
		if errno != 0 || len(all) != 1 || len(all[0].data) < 72 {
			t.Fatalf("%d: %d connections, %v", i, len(all), errno)
		}
		ends[i] = all[0].data[:72]
		sets[i] = kinds(t, all, 72, func([]byte) bool { return true })
	}
	p, k := ends[0], ends[1]
	if string(p[4:6]) != string(k[6:8]) || string(p[6:8]) != string(k[4:6]) || string(p[8:12]) != string(k[24:28]) || string(p[24:28]) != string(k[8:12]) {
		t.Errorf("names: % x and % x", p[:40], k[:40])
	}
	for typ := range sets[0] {
		if !sets[1][typ] {
			t.Errorf("the kernel has no attribute %d", typ)
		}
	}
	for _, typ := range []uint16{1, 2, 4, 5, 7, 8} { // MEMINFO, INFO, CONG, TOS, SKMEMINFO, SHUTDOWN
		if !sets[0][typ] || !sets[1][typ] {
			t.Errorf("attribute %d: plane %v, kernel %v", typ, sets[0][typ], sets[1][typ])
		}
	}
}
