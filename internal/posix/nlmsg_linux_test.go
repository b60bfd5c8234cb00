package posix

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// nl is a netlink socket, and the names of the links by their numbers.
type nl struct {
	*program
	fd    int
	links map[int]string
	seq   uint32
}

func (p *program) nl(protocol int) *nl {
	p.Helper()
	k := &nl{program: p, fd: p.keep(p.u.Socket(unix.AF_NETLINK, unix.SOCK_RAW, protocol)), links: map[int]string{}, seq: 100}
	for _, name := range []string{"lo", "v0"} {
		k.links[p.ifindex(name)] = name
	}
	return k
}

// attribute is a netlink attribute.
func attribute(typ int, data ...byte) []byte {
	b := native.AppendUint16(nil, uint16(4+len(data)))
	b = native.AppendUint16(b, uint16(typ))
	b = append(b, data...)
	return append(b, make([]byte, -len(b)&3)...)
}

func attribute32(typ int, v uint32) []byte { return attribute(typ, native.AppendUint32(nil, v)...) }

// nlmsg is a message.
func nlmsg(typ, flags int, seq uint32, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	b := native.AppendUint32(nil, uint32(16+len(body)))
	b = native.AppendUint16(b, uint16(typ))
	b = native.AppendUint16(b, uint16(flags))
	b = native.AppendUint32(b, seq)
	return append(native.AppendUint32(b, 0), body...)
}

// ask sends a request, and says what the answer is. Of a dump only the messages that show
// wants; "" leaves one out.
func (k *nl) ask(what string, typ, flags int, show func(m string) bool, parts ...[]byte) {
	k.Helper()
	k.seq++
	n, err := k.u.SendmsgN(k.fd, nlmsg(typ, flags|unix.NLM_F_REQUEST, k.seq, parts...), nil, nil, 0)
	if err != nil || n == 0 {
		k.n(what, n, err)
		return
	}
	lines := k.answer(flags)
	if show != nil {
		lines = slices.DeleteFunc(lines, func(l string) bool { return !show(l) })
	}
	slices.Sort(lines) // the order of links is not the same
	k.say("%s: %s", what, strings.Join(lines, "; "))
}

// answer reads messages until there are no more.
func (k *nl) answer(flags int) (lines []string) {
	k.Helper()
	b := make([]byte, 1<<16)
	for end := false; !end; {
		n, from, err := k.u.Recvfrom(k.fd, b, unix.MSG_DONTWAIT)
		if err != nil {
			break
		}
		if a, ok := from.(*unix.SockaddrNetlink); !ok || a.Pid != 0 {
			lines = append(lines, fmt.Sprintf("from %+v", from))
		}
		for m := b[:n]; len(m) >= 16; {
			size := int(native.Uint32(m))
			if size < 16 || size > len(m) {
				lines = append(lines, "broken")
				break
			}
			lines = append(lines, k.shown(m[:size]))
			end = end || native.Uint16(m[4:]) == unix.NLMSG_DONE
			m = m[min((size+3)&^3, len(m)):]
		}
		if flags&unix.NLM_F_DUMP == 0 && len(lines) > 0 && flags&unix.NLM_F_ACK == 0 {
			break
		}
	}
	return lines
}

// shown is a message, but for what changes from run to run and what only the kernel says.
func (k *nl) shown(m []byte) string {
	typ, flags, seq, pid := native.Uint16(m[4:]), native.Uint16(m[6:]), native.Uint32(m[8:]), native.Uint32(m[12:])
	var own string
	sa, _ := k.u.Getsockname(k.fd)
	if a, ok := sa.(*unix.SockaddrNetlink); ok && a.Pid == pid && pid != 0 {
		own = " own"
	} else if pid != 0 {
		own = " other"
	}
	if seq == k.seq {
		own += " asked"
	}
	return fmt.Sprintf("%s flags %#x%s %s", typeName(typ), flags, own, k.body(typ, m[16:]))
}

func typeName(t uint16) string {
	names := map[uint16]string{
		1: "noop", 2: "error", 3: "done", 16: "newlink", 17: "dellink", 20: "newaddr", 21: "deladdr", 24: "newroute", 25: "delroute", 28: "newneigh", 29: "delneigh",
	}
	if n, ok := names[t]; ok {
		return n
	}
	return fmt.Sprint("type ", t)
}

func (k *nl) body(typ uint16, b []byte) string {
	switch {
	case typ == unix.NLMSG_ERROR && len(b) >= 20:
		errno := "ok"
		if e := -int32(native.Uint32(b)); e != 0 {
			errno = unix.ErrnoName(unix.Errno(e))
		}
		return fmt.Sprintf("%s about %d of %d bytes", errno, native.Uint16(b[8:]), len(b)-4)
	case typ == unix.NLMSG_DONE && len(b) >= 4:
		return fmt.Sprint(int32(native.Uint32(b)))
	case typ == unix.RTM_NEWLINK && len(b) >= 16:
		flags := native.Uint32(b[8:]) & (unix.IFF_UP | unix.IFF_BROADCAST | unix.IFF_LOOPBACK | unix.IFF_RUNNING | unix.IFF_MULTICAST | unix.IFF_NOARP | unix.IFF_LOWER_UP)
		return fmt.Sprintf("%d %d %s %#x %s", b[0], native.Uint16(b[2:]), k.link(b[4:]), flags, k.attrs(b[16:], linkAttrs))
	case (typ == unix.RTM_NEWADDR || typ == unix.RTM_DELADDR) && len(b) >= 8:
		const tentative = 0x40
		b[2] &^= tentative // for a moment
		return fmt.Sprintf("%d/%d %#x %d %s %s", b[0], b[1], b[2], b[3], k.link(b[4:]), k.attrs(b[8:], addrAttrs))
	case (typ == unix.RTM_NEWROUTE || typ == unix.RTM_DELROUTE) && len(b) >= 12:
		return fmt.Sprintf("%d/%d %d %d table %d proto %d scope %d type %d %#x %s",
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], native.Uint32(b[8:]), k.attrs(b[12:], routeAttrs))
	case (typ == unix.RTM_NEWNEIGH || typ == unix.RTM_DELNEIGH) && len(b) >= 12:
		return fmt.Sprintf("%d %s state %#x %#x %d %s", b[0], k.link(b[4:]), native.Uint16(b[8:]), b[10], b[11], k.attrs(b[12:], neighAttrs))
	}
	return fmt.Sprintf("%x", b)
}

func (k *nl) link(b []byte) string { return k.linkOf(native.Uint32(b)) }

func (k *nl) linkOf(i uint32) string {
	if n, ok := k.links[int(i)]; ok {
		return n
	}
	return "?"
}

// Attributes that are compared, and how: 'x' in full, 'i' a link, 'p' that it is there,
// 'c' the first eight bytes.
var (
	linkAttrs  = map[uint16]byte{1: 'p', 2: 'x', 3: 'x', 4: 'p', 6: 'p', 7: 'p', 13: 'p', 16: 'x', 17: 'x', 23: 'p', 27: 'x', 30: 'x', 31: 'p', 32: 'p', 33: 'p', 50: 'p', 51: 'p'}
	addrAttrs  = map[uint16]byte{1: 'x', 2: 'x', 3: 'x', 4: 'x', 6: 'c', 8: 'p'}
	routeAttrs = map[uint16]byte{1: 'x', 4: 'i', 5: 'x', 6: 'x', 7: 'x', 8: 'x', 15: 'x', 20: 'x'}
	neighAttrs = map[uint16]byte{1: 'x', 2: 'x', 3: 'p', 4: 'p'}
)

func (k *nl) attrs(b []byte, known map[uint16]byte) string {
	var out []string
	for len(b) >= 4 {
		n, typ := int(native.Uint16(b)), native.Uint16(b[2:])&0x3fff
		if n < 4 || n > len(b) {
			out = append(out, "broken")
			break
		}
		v := b[4:n]
		switch known[typ] {
		case 'x':
			out = append(out, fmt.Sprintf("%02d:%x", typ, v))
		case 'c':
			out = append(out, fmt.Sprintf("%02d:%x of %d", typ, v[:8], len(v)))
		case 'p':
			out = append(out, fmt.Sprintf("%02d", typ))
		case 'i':
			out = append(out, fmt.Sprintf("%02d:%s", typ, k.link(v)))
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// portID is the number of a netlink socket: 0, the process's, or another.
func portID(sa unix.Sockaddr) string {
	a, ok := sa.(*unix.SockaddrNetlink)
	switch {
	case !ok:
		return fmt.Sprintf("%T", sa)
	case a.Pid == 0:
		return fmt.Sprintf("0/%#x", a.Groups)
	case a.Pid == uint32(os.Getpid()):
		return fmt.Sprintf("own/%#x", a.Groups)
	}
	return fmt.Sprintf("chosen: %v/%#x", int32(a.Pid) < 0, a.Groups)
}
