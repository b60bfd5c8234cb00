package netlink

import (
	"hash/fnv"
	"syscall"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Numbers of inet_diag.
const (
	protoTCP = 6
	protoUDP = 17

	diagReqLen   = 56 // struct inet_diag_req_v2
	diagBytecode = 1  // INET_DIAG_REQ_BYTECODE

	diagMemInfo  = 1 // INET_DIAG_*
	diagInfo     = 2
	diagCong     = 4
	diagTOS      = 5
	diagSkMem    = 7
	diagShutdown = 8
	diagV6Only   = 11
)

// diagAsk is a request for sockets.
type diagAsk struct {
	v4           bool
	protocol     int
	ext          uint8
	states       uint32
	sport, dport uint16
	src, dst     ip.Addr
	cookie       uint64
	code         []byte // filter
}

// readDiag reads struct inet_diag_req_v2.
func (r *request) readDiag() (q diagAsk, err error) {
	b := r.data
	if len(b) < 2 {
		return q, syscall.EINVAL
	}
	switch fam := b[0]; {
	case fam >= sockMaxFamily:
		return q, syscall.EINVAL
	case fam != syscall.AF_INET && fam != syscall.AF_INET6:
		return q, syscall.ENOENT
	}
	if len(b) < diagReqLen {
		return q, syscall.EINVAL
	}
	q = diagAsk{
		v4: b[0] == syscall.AF_INET, protocol: int(b[1]), ext: b[2], states: native.Uint32(b[4:]),
		sport: uint16(b[8])<<8 | uint16(b[9]), dport: uint16(b[10])<<8 | uint16(b[11]), cookie: native.Uint64(b[48:]),
	}
	if q.v4 {
		q.src, q.dst = ip.From4([4]byte(b[12:])), ip.From4([4]byte(b[28:]))
	} else {
		q.src, q.dst = ip.Addr(b[12:28]), ip.Addr(b[28:44])
	}
	var a attrs
	a.parse(b[diagReqLen:])
	if q.code = a[diagBytecode]; q.code != nil && !auditCode(q.code) {
		return q, syscall.EINVAL
	}
	return q, nil
}

const sockMaxFamily = 46

// isV4 reports whether d is shown as AF_INET: an IPv4 connection of a socket of AF_INET6
// is not.
func (d *Diag) isV4() bool { return d.V6 == sock.V6None }

// id is what a socket is known by to those who list it; it has no inode here.
func (d *Diag) id(protocol int) uint64 {
	h := fnv.New64a()
	h.Write(append(append([]byte{byte(protocol), byte(d.Nth), byte(d.State / 10)}, d.Local.Addr[:]...), d.Remote.Addr[:]...))       //nolint:errcheck // never fails
	h.Write([]byte{byte(d.Local.Port), byte(d.Local.Port >> 8), byte(d.Remote.Port), byte(d.Remote.Port >> 8), byte(d.Local.Zone)}) //nolint:errcheck // as above
	return h.Sum64()
}

// takes reports whether a dump asks for d.
func (q *diagAsk) takes(d *Diag) bool {
	return d.isV4() == q.v4 && q.states&(1<<d.State) != 0 && (q.sport == 0 || q.sport == d.Local.Port) &&
		(q.dport == 0 || q.dport == d.Remote.Port) && runCode(q.code, d)
}

// is reports whether d is the very one asked for.
func (q *diagAsk) is(d *Diag) bool {
	const noCookie = 1<<64 - 1
	same := func(a, b ip.Addr) bool { return a.Wire() == b || a.IsZero() && b.IsZero() }
	return d.isV4() == q.v4 && q.sport == d.Local.Port && q.dport == d.Remote.Port && same(ip.Addr(d.Local.Addr), q.src) &&
		same(ip.Addr(d.Remote.Addr), q.dst) && (q.cookie == noCookie || q.cookie == d.id(q.protocol))
}

// diag serves NETLINK_SOCK_DIAG. A function that is not nil makes the answer, a dump.
func (r *request) diag() (func(*writer) bool, error) {
	if r.Type != diagByFamily && r.Type != diagDestroy {
		return nil, syscall.EINVAL
	}
	q, err := r.readDiag()
	if err != nil {
		return nil, err
	}
	if r.Type == diagDestroy {
		return nil, r.f.plane.Destroy(q.protocol, q.is)
	}
	next, o := r.f.plane.Sockets(q.protocol), r.origin()
	switch {
	case next != nil:
	case r.dumps(): // as Linux: what is not there is a dump of nothing, and its end says so
		r.errno = syscall.ENOENT
		return func(*writer) bool { return false }, nil
	default:
		return nil, syscall.ENOENT
	}
	var some []Diag
	pull := func(take func(*Diag) bool) *Diag {
		for {
			for len(some) > 0 {
				d := &some[0]
				if some = some[1:]; take(d) {
					return d
				}
			}
			if some = next(); len(some) == 0 {
				return nil
			}
		}
	}
	if r.dumps() {
		return func(w *writer) bool {
			d := pull(q.takes)
			if d != nil {
				putDiag(w, flagMulti, d, &q, &o)
			}
			return d != nil
		}, nil
	}
	d := pull(q.is)
	if d == nil {
		return nil, syscall.ENOENT
	}
	var w writer
	putDiag(&w, 0, d, &q, &o)
	r.reply(&w)
	return nil, nil
}

// putDiag appends a struct inet_diag_msg, and the attributes asked for.
func putDiag(w *writer, flags uint16, d *Diag, q *diagAsk, o *origin) {
	id := d.id(q.protocol)
	w.begin(diagByFamily, flags, o.seq, o.id)
	w.u8(family(q.v4), d.State, d.Timer, d.Retries)
	w.u8(byte(d.Local.Port>>8), byte(d.Local.Port), byte(d.Remote.Port>>8), byte(d.Remote.Port))
	w.diagAddr(d.Local.Addr, q.v4)
	w.diagAddr(d.Remote.Addr, q.v4)
	w.u32(ip.Addr(d.Local.Addr).Zone())
	w.u64(id)
	w.u32(uint32(d.Due / perf.Millisecond))
	w.u32(uint32(d.RxQueue))
	w.u32(uint32(d.TxQueue))
	w.u32(0)                 // uid
	w.u32(uint32(id>>8) | 1) // inode: there is none, but 0 means that nobody has it
	w.attr8(diagShutdown, d.Shut)
	if !q.v4 && d.Shared {
		w.attr8(diagV6Only, b2u(d.V6 == sock.V6Only))
	}
	wants := func(ext int) bool { return q.ext&(1<<(ext-1)) != 0 }
	if wants(diagTOS) {
		w.attr8(diagTOS, d.TOS)
	}
	if wants(diagMemInfo) {
		at := w.nest(diagMemInfo)
		for _, v := range [4]int{d.RxQueue, d.TxQueue, 0, d.TxQueue} { // rmem, wmem, fmem, tmem
			w.u32(uint32(v))
		}
		w.close(at)
	}
	if wants(diagSkMem) {
		at := w.nest(diagSkMem)
		for _, v := range [9]int{d.RxQueue, d.RcvBuf, d.TxQueue, d.SndBuf, 0, d.TxQueue, 0, 0, 0} {
			w.u32(uint32(v))
		}
		w.close(at)
	}
	if wants(diagInfo) && len(d.Info) > 0 {
		w.attr(diagInfo, d.Info)
	}
	if wants(diagCong) && d.Congestion != "" {
		w.attrText(diagCong, d.Congestion)
	}
	w.end()
}

func b2u(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// diagAddr appends an address in 16 bytes, of which one of IPv4 takes the first four.
func (w *writer) diagAddr(b [16]byte, v4 bool) {
	a := ip.Addr(b).Wire()
	if v4 {
		w.bytes(a[12:])
		w.bytes(make([]byte, 12))
		return
	}
	w.bytes(a[:])
}
