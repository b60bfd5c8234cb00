package control

import (
	"encoding/binary"
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dataplane/api"
)

// Clients come and go, some in the middle of a message, and leave nothing behind.
func TestNetlinkClientsLeave(t *testing.T) {
	a, b, err := api.Pipe(api.Config{}, api.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	path := filepath.Join(t.TempDir(), "c")
	s, err := Listen(path, map[string]Handler{ServiceRoute: Netlink(a, unix.NETLINK_ROUTE)})
	if err != nil {
		t.Fatal(err)
	}
	native := binary.NativeEndian
	links := native.AppendUint32(nil, unix.NLMSG_HDRLEN+unix.SizeofIfInfomsg)
	links = native.AppendUint16(links, unix.RTM_GETLINK)
	links = native.AppendUint16(links, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	links = append(links, make([]byte, 8+unix.SizeofIfInfomsg)...)
	for i := range 40 {
		c, err := Dial(path, ServiceRoute)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		switch i % 4 {
		case 0: // says nothing
		case 1: // a part of a message
			c.Write(links[:20])
		case 2: // goes without reading the answer
			c.Write(links)
		case 3:
			c.Write(links)
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
				t.Error(err)
			}
		}
		if i != 39 { // the last one stays until the server goes
			c.Close()
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
