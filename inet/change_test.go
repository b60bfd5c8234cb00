package inet

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/sock"
)

// An address that a running host gets works at once, and no more when it is gone.
func TestChangeAddress(t *testing.T) {
	each(t, func(t *testing.T, a, b *bed) {
		second := ip.FromPrefix(netip.MustParsePrefix("10.0.0.77/24"))
		var seen [][2]int
		b.OnChange(func(old, now *ip.Routes) {
			seen = append(seen, [2]int{len(old.Ifaces()[0].Prefixes), len(now.Ifaces()[0].Prefixes)})
		})
		must(t, b.Change(func(d *ip.Draft) error { return d.AddAddr(0, second) }))
		server, client := b.socket(syscall.SOCK_DGRAM), a.socket(syscall.SOCK_DGRAM)
		to := sock.Name{Addr: second.Addr, Port: 7}
		must(t, server.Ops.Bind(server, to))
		_, err := client.SendTo([]byte("hello"), 0, to)
		must(t, err)
		buf := make([]byte, 10)
		if n, err := server.Recv(buf, 0); err != nil || string(buf[:n]) != "hello" {
			t.Errorf("%q, %v", buf[:n], err)
		}
		if err := b.Change(func(d *ip.Draft) error { return d.AddAddr(0, second) }); !errors.Is(err, syscall.EEXIST) {
			t.Errorf("a second time: %v", err)
		}
		must(t, b.Change(func(d *ip.Draft) error { return d.DelAddr(0, second) }))
		other := b.socket(syscall.SOCK_DGRAM)
		if err := other.Ops.Bind(other, sock.Name{Addr: second.Addr, Port: 8}); err != syscall.EADDRNOTAVAIL {
			t.Errorf("bind to an address that is gone: %v", err)
		}
		if len(seen) != 2 || seen[0] != [2]int{1, 2} || seen[1] != [2]int{2, 1} {
			t.Errorf("heard of %v", seen)
		}
	})
}
