package netlink

import (
	"errors"
	"syscall"
)

// request is a message to the plane.
type request struct {
	*header
	p *port
	f *Family

	errno syscall.Errno // that its dump ends with
}

// dumps reports whether it asks for all there is.
func (r *request) dumps() bool { return r.Flags&flagDump != 0 }

// serve answers the messages in b, each by itself. What is malformed ends it.
func (p *port) serve(b []byte) {
	for {
		h, ok := nextMessage(b)
		if !ok {
			return
		}
		b = h.more
		if h.Flags&flagRequest == 0 || h.Type < typeMin {
			if h.Flags&flagAck != 0 {
				p.acknowledge(&h, nil)
			}
			continue
		}
		r := request{header: &h, p: p, f: p.family}
		begun, err := r.do()
		if err == nil && begun { // a dump is its own answer
			continue
		}
		if err != nil || h.Flags&flagAck != 0 {
			p.acknowledge(&h, err)
		}
	}
}

// do does what is asked for. begun: the answer is on its way, as a dump.
func (r *request) do() (begun bool, err error) {
	var next func(*writer) bool
	if r.p.Protocol == protoSockDiag {
		next, err = r.diag()
	} else {
		next, err = r.route()
	}
	if err != nil || next == nil {
		return false, err
	}
	return true, r.p.start(&dump{next: next, seq: r.Seq, id: r.p.id.Load(), errno: r.errno})
}

// reply queues one message for who asked.
func (r *request) reply(w *writer) { r.p.put(0, 0, w.b) }

// errnoOf is the errno in err; EINVAL where there is none.
func errnoOf(err error) syscall.Errno {
	var e syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e
	}
	return syscall.EINVAL
}

// acknowledge answers a message with an error, or with none.
func (p *port) acknowledge(h *header, err error) {
	errno := errnoOf(err)
	var text string
	if p.has(optExtAck) && err != nil && err != error(errno) { //nolint:errorlint // a bare errno says no more
		text = err.Error()
	}
	whole := errno != 0 && !p.has(optCapAck)
	var flags uint16
	if !whole {
		flags |= flagCapped
	}
	if text != "" {
		flags |= flagAckTLVs
	}
	var w writer
	w.begin(typeError, flags, h.Seq, p.id.Load())
	w.u32(uint32(-int32(errno)))
	if whole {
		w.bytes(h.whole)
		w.pad()
	} else {
		w.bytes(h.whole[:headerLen])
	}
	if text != "" {
		w.attrText(ackAttrMsg, text)
	}
	w.end()
	p.put(0, 0, w.b)
}
