package tcp

import (
	"fmt"
	"strings"

	"dataplane/perf"
)

// step handles a segment in one state with one combination of flags. s is the
// connection or listener; it is nil where g.tw or nobody stands for it.
type step func(l *Layer, s *Sock, g *segment) perf.Verdict

// row is one line of the step table: in these states, segments that have all
// flags of set and none of clear take this step.
type row struct {
	states     []State
	set, clear uint8
	step       step
	name, doc  string
}

// synced are the states in which both sides know the sequence numbers, but
// TIME-WAIT, which has steps of its own.
var synced = []State{Established, FinWait1, FinWait2, CloseWait, Closing, LastAck}

// rows are the whole state machine. The first row that fits is taken; where
// none does, the segment is dropped. RFC 9293 3.10.7 gives the order: RST and
// ACK before SYN where no connection is, SYN before ACK where one is.
var rows = []row{
	{[]State{Closed}, RST, 0, (*Layer).ignore, "ignore", "a reset for nobody"},
	{[]State{Closed}, 0, RST, (*Layer).refuse, "refuse", "reset it: nobody is here"},

	{[]State{Listen}, RST, 0, (*Layer).ignore, "ignore", "nothing here to reset"},
	{[]State{Listen}, ACK, RST, (*Layer).listenAck, "listenAck", "a cookie come back, or reset"},
	{[]State{Listen}, SYN, ACK | RST | FIN, (*Layer).listenSyn, "listenSyn", "a new half-open connection"},

	{[]State{SynSent}, RST, 0, (*Layer).synSentRst, "synSentRst", "refused, if it acknowledges our SYN"},
	{[]State{SynSent}, SYN | ACK, RST, (*Layer).synSentAck, "synSentAck", "connected"},
	{[]State{SynSent}, ACK, RST | SYN, (*Layer).synSentStray, "synSentStray", "an old connection's: reset it"},
	{[]State{SynSent}, SYN, RST | ACK, (*Layer).synSentSyn, "synSentSyn", "simultaneous open"},

	{[]State{SynRcvd}, RST, 0, (*Layer).synRcvdRst, "synRcvdRst", "back to LISTEN or CLOSED"},
	{[]State{SynRcvd}, SYN | ACK, RST, (*Layer).synRcvdSynAck, "synRcvdSynAck", "simultaneous open: connected"},
	{[]State{SynRcvd}, SYN, RST | ACK, (*Layer).synRcvdSyn, "synRcvdSyn", "answer once more"},
	{[]State{SynRcvd}, ACK, RST | SYN, (*Layer).synRcvdAck, "synRcvdAck", "connected"},

	{synced, RST, 0, (*Layer).reset, "reset", "RFC 5961 3: only the exact sequence number resets"},
	{synced, SYN, RST, (*Layer).strayed, "strayed", "RFC 5961 4: challenge"},
	{synced, ACK, RST | SYN, (*Layer).receive, "receive", "acknowledgement, data, FIN"},

	{[]State{TimeWait}, RST, 0, (*Layer).timeWaitRst, "timeWaitRst", "RFC 1337: ignored, unless it answers our answer to a SYN"},
	{[]State{TimeWait}, SYN, RST | ACK | FIN, (*Layer).timeWaitSyn, "timeWaitSyn", "a new connection, if it is surely newer and somebody listens"},
	{[]State{TimeWait}, ACK, RST, (*Layer).timeWaitAck, "timeWaitAck", "the FIN again: acknowledge"},
}

// next is rows, unrolled. Written once, before main; a variable's initial value
// could not mention steps that take steps.
var next [nStates][64]step

func init() {
	for st := range next {
		for f := range next[st] {
			next[st][f] = dropState
			if r := find(State(st), uint8(f)); r != nil {
				next[st][f] = r.step
			}
		}
	}
}

// find returns the first row that fits.
func find(st State, flags uint8) *row {
	for i := range rows {
		if rows[i].fits(st, flags) {
			return &rows[i]
		}
	}
	return nil
}

func (r *row) fits(st State, flags uint8) bool {
	for _, s := range r.states {
		if s == st {
			return flags&r.set == r.set && flags&r.clear == 0
		}
	}
	return false
}

// step takes the step of the table, after what came before it.
func (l *Layer) step(st State, s *Sock, g *segment) perf.Verdict {
	l.EndBurst()
	return next[st][g.flags&63](l, s, g)
}

func dropState(*Layer, *Sock, *segment) perf.Verdict { return perf.DropTCPState }

// ignore: a reset that can change nothing.
func (*Layer) ignore(*Sock, *segment) perf.Verdict { return perf.DropTCPReset }

// flagNames spells flags, "-" if there are none.
func flagNames(f uint8) string {
	var names []string
	for i, n := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG"} {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if names == nil {
		return "-"
	}
	return strings.Join(names, " ")
}

// stepsDoc is docs/tcp-steps.md.
func stepsDoc() string {
	var b strings.Builder
	b.WriteString(`# TCP's steps

Generated from the rows in tcp/steps.go by "go test ./tcp -run Steps -update". The
first row whose state and flags fit a segment says what happens to it; a segment
that no row fits is dropped as tcp-state.

| states | has | has not | step | what it is |
|---|---|---|---|---|
`)
	for _, r := range rows {
		names := make([]string, len(r.states))
		for i, st := range r.states {
			names[i] = st.String()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s |\n",
			strings.Join(names, ", "), flagNames(r.set), flagNames(r.clear), r.name, r.doc)
	}
	return b.String()
}
