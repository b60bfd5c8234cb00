package sock

import "syscall"

// Flags of Msg, as Linux numbers them.
const (
	MsgPeek     = syscall.MSG_PEEK
	MsgDontwait = syscall.MSG_DONTWAIT
	MsgTrunc    = syscall.MSG_TRUNC
	MsgCtrunc   = syscall.MSG_CTRUNC
	MsgWaitall  = syscall.MSG_WAITALL
	MsgMore     = 0x8000 // MSG_MORE
)

// Msg is one message of SendMsg or RecvMsg.
type Msg struct {
	Buf   []byte // data to send, or room to receive into
	Name  Name   // peer
	Named bool   // send: Name is the destination. receive: Name was filled in
	Flags int    // in: MSG_*; out: MsgTrunc, MsgCtrunc
	Brief bool   // receive: what follows is not wanted, but for Len
	Local Name   // receive: the address the datagram was sent to
	Iface uint16 // receive: the interface it came by
	TTL   uint8  // receive
	TOS   uint8  // receive
	Len   int    // receive: whole length of the datagram

	Control  []byte // send: control messages in Linux's format. receive: room for them
	NControl int    // receive: bytes of Control that were filled

	lent int // of a stream's ring, not yet given back
}

// BatchOps is what a family offers for datagrams besides ProtoOps: many of them
// in one call. The locks are those of SendMsg and RecvMsg.
type BatchOps interface {
	// RecvBatch waits for a datagram and passes to to what has come, n at the most.
	RecvBatch(s *Socket, to Sink, n, flags int) (int, error)
	// SendBatch sends the datagrams 0 to n-1 of from. It waits for room for the
	// first; it may return after fewer than n. An error is that of the first.
	SendBatch(s *Socket, from Source, n, flags int) (int, error)
}

// Sink takes what RecvBatch received.
type Sink interface {
	// Datagram gets the i-th datagram: its head and the payload in two pieces,
	// all of which it borrows.
	Datagram(i int, h *Record, x, y []byte)
}

// Source has what SendBatch is to send.
type Source interface {
	// Datagram lends, until the next call, the i-th datagram: Name, Named and
	// Control of a Msg, and the pieces of the payload. An error ends the batch.
	Datagram(i int) (*Msg, [][]byte, error)
}

// ProtoOps is what a family offers for one type of socket, Linux's struct
// proto_ops. The calls run on the application's goroutine; SendMsg holds the
// lock of Wr and RecvMsg that of Rd. They return a syscall.Errno, ErrClosed or
// os.ErrDeadlineExceeded.
type ProtoOps interface {
	Release(s *Socket) error
	Bind(s *Socket, local Name) error
	// Connect with MsgDontwait does not wait: EINPROGRESS, and EALREADY until it is done.
	Connect(s *Socket, to Name, flags int) error
	Listen(s *Socket, backlog int) error
	Accept(s *Socket, flags int) (*Socket, error)
	Shutdown(s *Socket, how int) error
	GetName(s *Socket, peer bool) (Name, error)
	SendMsg(s *Socket, m *Msg) (int, error)
	RecvMsg(s *Socket, m *Msg) (int, error)
	// Send and Recv are SendMsg and RecvMsg of bytes alone.
	Send(s *Socket, b []byte, flags int) (int, error)
	Recv(s *Socket, b []byte, flags int) (int, error)
	// SetOption and GetOption serve what Socket.SetOption and Socket.GetOption leave to the
	// family: the table of options does not refuse it, and it is not CommonOps' business.
	// They borrow v, the value, as setsockopt and getsockopt have it. GetOption returns how
	// many bytes of v it filled.
	SetOption(s *Socket, level, name int, v []byte) error
	GetOption(s *Socket, level, name int, v []byte) (n int, err error)
	// Poll returns for what s is ready: a mask of PollIn and so on. It takes no lock and
	// does not wait; any goroutine may ask. Who says that there is no room calls
	// Side.Starved first, and looks again.
	Poll(s *Socket) uint32
}

// PairOps is what a family offers that has pairs of sockets (socketpair).
type PairOps interface {
	// Pair connects a and b, which are new, to each other.
	Pair(a, b *Socket) error
}

// DissolveOps is what a family offers whose sockets can let go of their peer: connect to
// AF_UNSPEC.
type DissolveOps interface{ Dissolve(s *Socket) error }

// ErrorOps is what a family offers whose sockets have an error queue (MSG_ERRQUEUE).
type ErrorOps interface {
	// RecvError reads the oldest error. It does not wait: EAGAIN. The lock is Rd's.
	RecvError(s *Socket, m *Msg) (int, error)
}

// CorkOps is what a family offers whose messages may be sent in parts (MSG_MORE).
type CorkOps interface {
	// SendMore is SendMsg of a part of a message; without MsgMore it is the last one. The
	// lock is Wr's.
	SendMore(s *Socket, m *Msg) (int, error)
}

// IoctlOps is what a family offers whose sockets know requests of ioctl that answer with
// a number, such as FIONREAD. What it does not know is ENOTTY.
type IoctlOps interface {
	Ioctl(s *Socket, request uint) (int, error)
}

// NoOps answers EOPNOTSUPP to every call (sock_no_*). Families embed it.
type NoOps struct{}

var _ ProtoOps = NoOps{}

// Release succeeds: there is nothing to let go of.
func (NoOps) Release(*Socket) error { return nil }

// Bind is not supported.
func (NoOps) Bind(*Socket, Name) error { return syscall.EOPNOTSUPP }

// Connect is not supported.
func (NoOps) Connect(*Socket, Name, int) error { return syscall.EOPNOTSUPP }

// Listen is not supported.
func (NoOps) Listen(*Socket, int) error { return syscall.EOPNOTSUPP }

// Accept is not supported.
func (NoOps) Accept(*Socket, int) (*Socket, error) { return nil, syscall.EOPNOTSUPP }

// Shutdown is not supported.
func (NoOps) Shutdown(*Socket, int) error { return syscall.EOPNOTSUPP }

// GetName is not supported.
func (NoOps) GetName(*Socket, bool) (Name, error) { return Name{}, syscall.EOPNOTSUPP }

// SendMsg is not supported.
func (NoOps) SendMsg(*Socket, *Msg) (int, error) { return 0, syscall.EOPNOTSUPP }

// RecvMsg is not supported.
func (NoOps) RecvMsg(*Socket, *Msg) (int, error) { return 0, syscall.EOPNOTSUPP }

// Send makes a message of b for SendMsg.
func (NoOps) Send(s *Socket, b []byte, flags int) (int, error) {
	m := s.Wr.message()
	m.Buf, m.Flags, m.Named = b, flags, false
	n, err := s.Ops.SendMsg(s, m)
	m.Buf = nil
	return n, err
}

// Recv makes a message of b for RecvMsg.
func (NoOps) Recv(s *Socket, b []byte, flags int) (int, error) {
	m := s.Rd.message()
	m.Buf, m.Flags = b, flags
	n, err := s.Ops.RecvMsg(s, m)
	m.Buf = nil
	return n, err
}

// SetOption knows no option.
func (NoOps) SetOption(*Socket, int, int, []byte) error { return syscall.ENOPROTOOPT }

// GetOption knows no option.
func (NoOps) GetOption(*Socket, int, int, []byte) (int, error) { return 0, syscall.ENOPROTOOPT }

// Poll is ready for nothing.
func (NoOps) Poll(*Socket) uint32 { return 0 }
