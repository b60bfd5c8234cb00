package sock

import (
	"syscall"

	"dataplane/perf"
)

// Proto is the transport's side of a socket, Linux's struct proto. Every call
// runs on the lcore that owns sk.
type Proto interface {
	// Connect starts a connection to to, from local where it is given (a zero
	// port lets the transport choose). A connection-oriented transport answers
	// later, by FlagConnected and StateChange or by ErrorReport; a datagram
	// transport is done on return.
	Connect(sk *Sock, local, to Name) syscall.Errno
	// Bind enters sk, whose port inet has reserved, in the table of bound
	// sockets.
	Bind(sk *Sock, local Name) syscall.Errno
	// Listen makes sk accept connections into sk.AcceptQ.
	Listen(sk *Sock, backlog int) syscall.Errno
	// Request serves what the application asked for with Sock.Kick.
	Request(sk *Sock, bits uint32, now perf.Tick)
	// SetOption and GetOption serve the transport's levels and what of
	// SOL_SOCKET it must know; they borrow v, as those of ProtoOps. Unknown options are
	// ENOPROTOOPT.
	SetOption(sk *Sock, level, name int, v []byte) syscall.Errno
	GetOption(sk *Sock, level, name int, v []byte) (n int, errno syscall.Errno)
}

// Owner is the transport's part of a socket, the struct that embeds Sock.
type Owner interface {
	// Names returns both ends. Applications may ask once the Sock is connected.
	Names() (local, remote Name)
}

// Callbacks is how a socket inside the plane hears of events, instead of a
// goroutine being woken: sk_data_ready, sk_write_space, sk_state_change and
// sk_error_report. They run on the lcore and must not block.
type Callbacks interface {
	DataReady(sk *Sock)
	WriteSpace(sk *Sock)
	StateChange(sk *Sock)
	ErrorReport(sk *Sock)
}

// Requests of the application to the lcore (Sock.Kick).
const (
	ReqSend      uint32 = 1 << iota // TX holds more
	ReqRead                         // RX was consumed up to WantTail
	ReqShutWrite                    // no more data will come: send FIN after what is queued
	ReqShutRead                     // what still arrives is not wanted
	ReqClose                        // the application has let go of the socket
	ReqConnect                      // connect to where the Owner was told
	ReqMore                         // TX holds more, of which a last part that fills no segment waits for the next ReqSend
	ReqFree                         // with ReqClose: no Socket knows the Sock any more (Socket.Leave)
)

// Flags of a Sock, written by its lcore.
const (
	FlagConnected uint32 = 1 << iota // connection is established (or a datagram peer set)
	FlagRcvShut                      // end of stream follows what is in RX
	FlagSndShut                      // no more data can be sent
	FlagListening                    // accepts connections
	FlagUrgent                       // urgent data have been told of (Urgent)
	FlagDead                         // the protocol has let go: nothing will happen any more
	FlagArrived                      // the application has let go, and the peer has all that was sent
)
