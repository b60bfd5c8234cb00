package posix

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"dataplane/api"
	"dataplane/lcore"
	table "dataplane/sock/options"

	"golang.org/x/sys/unix"
)

// A kind is a type of socket, in a state, on which options are tried.
type kind struct {
	name               string
	family, typ, proto int
	state              func(o *optionSide, k *kind) int // makes it; nil: socket alone
}

var kinds = []kind{
	{"stream", unix.AF_INET, unix.SOCK_STREAM, 0, nil},
	{"stream, IPv6", unix.AF_INET6, unix.SOCK_STREAM, 0, nil},
	{"stream, connected", unix.AF_INET, unix.SOCK_STREAM, 0, connected},
	{"stream, IPv6, connected", unix.AF_INET6, unix.SOCK_STREAM, 0, connected},
	{"stream, listening", unix.AF_INET, unix.SOCK_STREAM, 0, listening},
	{"datagram", unix.AF_INET, unix.SOCK_DGRAM, 0, nil},
	{"datagram, IPv6", unix.AF_INET6, unix.SOCK_DGRAM, 0, nil},
	{"datagram, connected", unix.AF_INET, unix.SOCK_DGRAM, 0, connected},
	{"UDP-Lite", unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, nil},
	{"raw", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP, nil},
	{"raw, IPv6", unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6, nil},
	{"raw, IPv6, no ICMP", unix.AF_INET6, unix.SOCK_RAW, 253, nil},
	{"packet", unix.AF_PACKET, unix.SOCK_RAW, 0, nil},
	{"unix stream", unix.AF_UNIX, unix.SOCK_STREAM, 0, nil},
	{"unix stream, connected", unix.AF_UNIX, unix.SOCK_STREAM, 0, paired},
	{"unix datagram", unix.AF_UNIX, unix.SOCK_DGRAM, 0, nil},
	{"unix seqpacket", unix.AF_UNIX, unix.SOCK_SEQPACKET, 0, nil},
	{"netlink", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE, nil},
}

// types is what the table calls it.
func (k *kind) types() table.Types {
	p := k.proto
	switch {
	case p != 0:
	case k.typ == unix.SOCK_STREAM:
		p = unix.IPPROTO_TCP
	case k.typ == unix.SOCK_DGRAM:
		p = unix.IPPROTO_UDP
	}
	return table.Of(k.family, k.typ, p)
}

// optionSide is one of the two that are compared.
type optionSide struct {
	testing.TB
	u     optionCalls
	k     *kind
	lines []string
	fd    int
	open  []int
	wg    sync.WaitGroup
}

func (o *optionSide) keep(fd int, err error) int {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
	o.open = append(o.open, fd)
	return fd
}

func (o *optionSide) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// socket returns the socket that options are tried on; another, once one was set.
func (o *optionSide) socket() int {
	o.Helper()
	if len(o.open) == 0 {
		if o.k.state != nil {
			o.fd = o.k.state(o, o.k)
		} else {
			o.fd = o.keep(o.u.Socket(o.k.family, o.k.typ, o.k.proto))
		}
	}
	return o.fd
}

// closes closes the socket, and what belongs to it; nobody waits for the kernel, which
// takes its time with some.
func (o *optionSide) closes() {
	open := o.open
	o.open = nil
	o.wg.Go(func() {
		for _, fd := range slices.Backward(open) {
			o.u.Close(fd)
		}
	})
}

func (k *kind) loopback() unix.Sockaddr {
	if k.family == unix.AF_INET6 {
		return &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	return &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
}

func listening(o *optionSide, k *kind) int {
	l := o.keep(o.u.Socket(k.family, k.typ, k.proto))
	o.must(o.u.Bind(l, k.loopback()))
	if k.typ == unix.SOCK_STREAM {
		o.must(o.u.Listen(l, 5))
	}
	return l
}

func connected(o *optionSide, k *kind) int {
	l := listening(o, k)
	sa, err := o.u.Getsockname(l)
	o.must(err)
	c := o.keep(o.u.Socket(k.family, k.typ, k.proto))
	o.must(o.u.SetsockoptLinger(c, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})) // it leaves no TIME-WAIT
	o.must(o.u.Connect(c, sa))
	return c
}

func paired(o *optionSide, k *kind) int {
	p, err := o.u.Socketpair(k.family, k.typ, k.proto)
	o.must(err)
	o.keep(p[1], nil)
	return o.keep(p[0], nil)
}

// outcome is a value or an errno.
func outcome(r *table.Row, b []byte, n int, err error) string {
	var e unix.Errno
	switch {
	case errors.As(err, &e):
		return unix.ErrnoName(e)
	case err != nil:
		return err.Error()
	case unequal[r.Name]:
		return fmt.Sprintf("%d bytes", n)
	case n == 4 && len(b) >= 4:
		return fmt.Sprint(int32(native.Uint32(b)))
	case n > len(b): // of a filter, in instructions
		return fmt.Sprintf("%d: %x", n, b)
	}
	return fmt.Sprintf("%d: %x", n, b[:n])
}

// get reads an option into room bytes.
func (o *optionSide) get(fd int, r *table.Row, room int) string {
	b := make([]byte, room)
	for i := range b {
		b[i] = first(r, i)
	}
	n, err := o.u.Getsockopt(fd, r.Level, r.Num, b)
	return outcome(r, b, n, err)
}

// try is all that is done with an option.
func (o *optionSide) try(r *table.Row) []string {
	o.lines = nil
	for _, room := range roomsFor(r) {
		o.lines = append(o.lines, fmt.Sprintf("get into %d: %s", room, o.get(o.socket(), r, room)))
	}
	for _, v := range values(r, o.k) {
		fd := o.socket()
		if v.before != nil {
			o.u.Setsockopt(fd, r.Level, r.Num, v.before)
		}
		err := o.u.Setsockopt(fd, r.Level, r.Num, v.v)
		said := "done"
		if err != nil {
			said = outcome(r, nil, 0, err)
		}
		o.lines = append(o.lines, fmt.Sprintf("set %s: %s, then %s", v.name, said, o.get(fd, r, max(4, len(v.v)))))
		if err == nil || v.before != nil {
			o.closes()
		}
	}
	return o.lines
}

// TestOptions tries every option of the table on every kind of socket, on the kernel and
// on a plane. Where they differ the row must say why.
func TestOptions(t *testing.T) {
	namespace(t)
	n, err := api.Open(api.Config{Mode: lcore.Shared})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	found := make([][]compared, len(kinds))
	var wg sync.WaitGroup
	for i := range kinds { // together: the kernel takes its time to close some
		wg.Go(func() {
			found[i] = compareKind(t, n.Posix(), &kinds[i])
		})
	}
	wg.Wait()
	all := slices.Concat(found...)
	if checkOptions(t, all); !t.Failed() {
		comparePage(t, optionsPage, optionsDocument(all))
	}
}

// compareKind tries all options on one kind of socket.
func compareKind(t *testing.T, plane optionCalls, kd *kind) (all []compared) {
	k, u := &optionSide{TB: t, u: kernel{}, k: kd}, &optionSide{TB: t, u: plane, k: kd}
	for _, r := range table.Table() {
		if !skipped[r.Name] {
			all = append(all, compared{r: &r, k: kd, want: k.try(&r), got: u.try(&r)})
		}
	}
	for _, o := range []*optionSide{k, u} {
		o.closes()
		o.wg.Wait()
	}
	return all
}
