package tcp

// State is a connection's state, RFC 9293 3.3.2.
type State uint8

// The eleven states. A connection in Listen has a Sock with a listener part, one
// in TimeWait is a timeWait; the step table covers them all.
const (
	Closed State = iota
	Listen
	SynSent
	SynRcvd
	Established
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	nStates
)

var stateNames = [nStates]string{
	"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
	"FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
}

// String returns the name that RFC 9293 uses.
func (s State) String() string {
	if s >= nStates {
		return "UNKNOWN"
	}
	return stateNames[s]
}

// synchronized: both sides know each other's sequence numbers.
func (s State) synchronized() bool { return s >= Established }

// sends: data and FIN may (still) go out.
func (s State) sends() bool {
	switch s {
	case Established, FinWait1, CloseWait, Closing, LastAck:
		return true
	}
	return false
}

// receives: the peer has not sent its FIN yet.
func (s State) receives() bool {
	return s == Established || s == FinWait1 || s == FinWait2
}
