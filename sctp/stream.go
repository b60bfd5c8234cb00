package sctp

import (
	"encoding/binary"
	"sync"
	"syscall"

	pion "github.com/pion/sctp"

	"dataplane/sock"
)

// maxStreams bounds the streams of an association: what is sent on, and what a peer may
// send on, each with a goroutine that reads it.
const maxStreams = 256

// streams are those of an association.
type streams struct {
	mu      sync.Mutex
	open    map[uint16]*pion.Stream // nil: the association has ended
	readers sync.WaitGroup
}

// take begins to read a stream, if nobody does. False: there are too many.
func (e *endpoint) take(st *pion.Stream) bool {
	s := &e.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil || s.open[st.StreamIdentifier()] != nil {
		return true
	}
	if len(s.open) >= maxStreams {
		return false
	}
	s.open[st.StreamIdentifier()] = st
	s.readers.Go(func() { e.read(st) })
	return true
}

// streamOf returns the stream of a number, to send on. Errors: EINVAL (there are not so
// many), EPIPE.
func (e *endpoint) streamOf(id uint16) (*pion.Stream, error) {
	if id >= maxStreams {
		return nil, syscall.EINVAL
	}
	e.streams.mu.Lock()
	st, over := e.streams.open[id], e.streams.open == nil
	e.streams.mu.Unlock()
	if st != nil {
		return st, nil
	}
	a := e.assoc.Load()
	if over || a == nil {
		return nil, syscall.EPIPE
	}
	st, err := a.OpenStream(id, 0)
	if err != nil {
		return nil, syscall.EPIPE
	}
	st.SetBufferedAmountLowThreshold(uint64(e.sndbuf.Load() / 2))
	st.OnBufferedAmountLow(e.s.Wr.Interrupt)
	if !e.take(st) {
		return nil, syscall.EINVAL
	}
	return st, nil
}

// read moves the messages of one stream to who reads; it waits while he does not.
func (e *endpoint) read(st *pion.Stream) {
	b := make([]byte, maxMessage)
	for {
		n, ppid, err := st.ReadSCTP(b)
		if err != nil {
			return
		}
		m := sock.Parcel{Extra: about{st.StreamIdentifier(), uint32(ppid)}}
		e.pump.Wr.Lock()
		for err = e.in.Put(&m, b[:n]); err == syscall.EAGAIN; err = e.in.Put(&m, b[:n]) {
			if e.in.WaitRoom(&e.pump, n, 0, true) != nil {
				break
			}
		}
		e.pump.Wr.Unlock()
		if err != nil {
			return
		}
	}
}

// about is what is known of a message besides its bytes.
type about struct {
	stream uint16
	ppid   uint32
}

// Control messages of level IPPROTO_SCTP, and what asks for them (RFC 6458 5.3 and 8.1),
// as Linux numbers them.
const (
	cmsgSndRcv  = 1 // struct sctp_sndrcvinfo, to send and received
	cmsgSndInfo = 2 // struct sctp_sndinfo, to send
	cmsgRcvInfo = 3 // struct sctp_rcvinfo, received

	optEvents      = 11 // SCTP_EVENTS: of struct sctp_event_subscribe the first byte, sctp_data_io_event
	optRecvRcvInfo = 32 // SCTP_RECVRCVINFO

	sndRcvLen  = 32
	sndInfoLen = 16
	rcvInfoLen = 28

	unordered = 1 // SCTP_UNORDERED
)

// Bits of endpoint.tells.
const (
	tellSndRcv uint32 = 1 << iota
	tellRcvInfo
)

var native = binary.NativeEndian

// sending reads how a message is to be sent. The protocol identifier is the program's: as
// it lies in memory it goes on the wire.
func sending(control []byte) (to about, flags uint16, err error) {
	for len(control) > 0 {
		c, rest, ok, _ := sock.NextControl(control)
		if !ok {
			return to, 0, syscall.EINVAL
		}
		control = rest
		if c.Level != number {
			continue
		}
		switch {
		case c.Type == cmsgSndInfo && len(c.Data) >= sndInfoLen:
			to, flags = about{native.Uint16(c.Data), be.Uint32(c.Data[4:])}, native.Uint16(c.Data[2:])
		case c.Type == cmsgSndRcv && len(c.Data) >= sndRcvLen:
			to, flags = about{native.Uint16(c.Data), be.Uint32(c.Data[8:])}, native.Uint16(c.Data[4:])
		default:
			return to, 0, syscall.EINVAL
		}
	}
	if flags&^unordered != 0 {
		return to, 0, syscall.EINVAL
	}
	return to, flags, nil
}

// tell writes the control messages that s wants with a message.
func (e *endpoint) tell(m *sock.Msg, of about) {
	want := e.tells.Load()
	if want == 0 {
		return
	}
	c := sock.Controls{B: m.Control}
	if want&tellRcvInfo != 0 {
		var b [rcvInfoLen]byte
		native.PutUint16(b[:], of.stream)
		be.PutUint32(b[8:], of.ppid)
		c.Put(number, cmsgRcvInfo, b[:])
	}
	if want&tellSndRcv != 0 {
		var b [sndRcvLen]byte
		native.PutUint16(b[:], of.stream)
		be.PutUint32(b[8:], of.ppid)
		c.Put(number, cmsgSndRcv, b[:])
	}
	if m.NControl = c.N; c.Short {
		m.Flags |= sock.MsgCtrunc
	}
}

// SetOption knows SCTP_RECVRCVINFO, and of SCTP_EVENTS that messages come with struct
// sctp_sndrcvinfo.
func (ops) SetOption(s *sock.Socket, level, name int, v []byte) error {
	e := of(s)
	switch {
	case level == number && name == optRecvRcvInfo:
		x, errno := sock.Int(v)
		if errno != 0 {
			return errno
		}
		e.wish(tellRcvInfo, x != 0)
	case level == number && name == optEvents:
		for i, on := range v {
			if i > 0 && on != 0 {
				return syscall.EOPNOTSUPP // notifications are not made
			}
		}
		e.wish(tellSndRcv, len(v) > 0 && v[0] != 0)
	default:
		return syscall.ENOPROTOOPT
	}
	return nil
}

func (e *endpoint) wish(bit uint32, on bool) {
	if on {
		e.tells.Or(bit)
	} else {
		e.tells.And(^bit)
	}
}

// GetOption reads what SetOption sets.
func (ops) GetOption(s *sock.Socket, level, name int, v []byte) (int, error) {
	on := of(s).tells.Load()
	var n int
	var errno syscall.Errno
	switch {
	case level == number && name == optRecvRcvInfo:
		n, errno = sock.PutBool(v, on&tellRcvInfo != 0)
	case level == number && name == optEvents:
		var b [14]byte // struct sctp_event_subscribe
		b[0] = byte(on & tellSndRcv)
		n, errno = sock.Put(v, b[:])
	default:
		errno = syscall.ENOPROTOOPT
	}
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
