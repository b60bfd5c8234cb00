package netlink

import (
	"encoding/binary"

	"dataplane/ip"
)

// Everything is in the machine's byte order, but for addresses and ports.
var native = binary.NativeEndian

const (
	headerLen = 16 // of a message
	attrLen   = 4  // of an attribute's head
)

func align4(n int) int { return (n + 3) &^ 3 }

// header is struct nlmsghdr.
type header struct {
	Len        uint32
	Type       uint16
	Flags      uint16
	Seq, Pid   uint32
	whole      []byte // the message, with the header
	more, data []byte // what follows it; its payload
}

// nextMessage reads the first message of b. False: there is none, or it is cut.
func nextMessage(b []byte) (h header, ok bool) {
	if len(b) < headerLen {
		return h, false
	}
	h = header{Len: native.Uint32(b), Type: native.Uint16(b[4:]), Flags: native.Uint16(b[6:]), Seq: native.Uint32(b[8:]), Pid: native.Uint32(b[12:])}
	if h.Len < headerLen || uint64(h.Len) > uint64(len(b)) {
		return h, false
	}
	h.whole, h.data = b[:h.Len], b[headerLen:h.Len]
	h.more = b[min(align4(int(h.Len)), len(b)):]
	return h, true
}

// attrs are the attributes of a message by their types; later ones win, and those
// beyond what anybody knows are left out, as in Linux.
type attrs [64][]byte

// parse reads attributes. What follows a malformed one is not read.
func (a *attrs) parse(b []byte) {
	for len(b) >= attrLen {
		n, typ := int(native.Uint16(b)), native.Uint16(b[2:])&attrTypeMask
		if n < attrLen || n > len(b) {
			return
		}
		if int(typ) < len(a) {
			a[typ] = b[attrLen:n:n]
		}
		b = b[min(align4(n), len(b)):]
	}
}

// u32 returns a number; false: there is none of this type.
func (a *attrs) u32(typ int) (uint32, bool) {
	if len(a[typ]) < 4 {
		return 0, false
	}
	return native.Uint32(a[typ]), true
}

// text returns a string, which may end with a zero byte.
func (a *attrs) text(typ int) string {
	b := a[typ]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// addr returns an address of the family; false: there is none, or it is of another length.
func (a *attrs) addr(typ int, v4 bool) (ip.Addr, bool) {
	switch b := a[typ]; {
	case v4 && len(b) == 4:
		return ip.From4([4]byte(b)), true
	case !v4 && len(b) == 16:
		return ip.Addr(b), true
	}
	return ip.Addr{}, false
}

// writer appends messages.
type writer struct {
	b  []byte
	at int // where the message begun last begins
}

// begin begins a message.
func (w *writer) begin(typ, flags uint16, seq, pid uint32) {
	w.at = len(w.b)
	w.b = native.AppendUint32(w.b, 0)
	w.b = native.AppendUint16(w.b, typ)
	w.b = native.AppendUint16(w.b, flags)
	w.b = native.AppendUint32(w.b, seq)
	w.b = native.AppendUint32(w.b, pid)
}

// end completes the message.
func (w *writer) end() {
	native.PutUint32(w.b[w.at:], uint32(len(w.b)-w.at))
	w.pad()
}

func (w *writer) pad() {
	for len(w.b)&3 != 0 {
		w.b = append(w.b, 0)
	}
}

func (w *writer) u8(v ...uint8)  { w.b = append(w.b, v...) }
func (w *writer) u16(v uint16)   { w.b = native.AppendUint16(w.b, v) }
func (w *writer) u32(v uint32)   { w.b = native.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64)   { w.b = native.AppendUint64(w.b, v) }
func (w *writer) bytes(v []byte) { w.b = append(w.b, v...) }

// attr appends an attribute.
func (w *writer) attr(typ uint16, v []byte) {
	w.u16(uint16(attrLen + len(v)))
	w.u16(typ)
	w.b = append(w.b, v...)
	w.pad()
}

func (w *writer) attr8(typ uint16, v uint8) { w.attr(typ, []byte{v}) }

func (w *writer) attr32(typ uint16, v uint32) {
	w.u16(attrLen + 4)
	w.u16(typ)
	w.u32(v)
}

// attrText appends a string with the zero byte that ends it.
func (w *writer) attrText(typ uint16, s string) {
	w.u16(uint16(attrLen + len(s) + 1))
	w.u16(typ)
	w.b = append(append(w.b, s...), 0)
	w.pad()
}

// attrAddr appends an address, in the length of its family and without its zone.
func (w *writer) attrAddr(typ uint16, a ip.Addr) {
	a = a.Wire()
	if a.Is4() {
		w.attr(typ, a[12:])
		return
	}
	w.attr(typ, a[:])
}

// nest begins an attribute of attributes, for close.
func (w *writer) nest(typ uint16) (at int) {
	at = len(w.b)
	w.u16(0)
	w.u16(typ)
	return at
}

// close ends the attribute that nest began at.
func (w *writer) close(at int) { native.PutUint16(w.b[at:], uint16(len(w.b)-at)) }
