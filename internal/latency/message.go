package latency

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"dataplane/perf"
)

// message is a request: its number on the connection, the moment when it was meant
// to leave, and a filling that is the connection's own. The echo must be equal.
type message []byte

func newMessage(size, conn int) message {
	m := make(message, size)
	for i := range m[MinSize:] {
		m[MinSize+i] = byte(i*7 + conn*13 + 1)
	}
	return m
}

func (m message) set(seq uint64, due perf.Tick) {
	binary.LittleEndian.PutUint64(m, seq)
	binary.LittleEndian.PutUint64(m[8:], uint64(due))
}

func (m message) seq() uint64    { return binary.LittleEndian.Uint64(m) }
func (m message) due() perf.Tick { return perf.Tick(binary.LittleEndian.Uint64(m[8:])) }

// answers reports whether m is an answer to a message made like like.
func (m message) answers(like message) bool {
	return len(m) == len(like) && bytes.Equal(m[MinSize:], like[MinSize:])
}

// errWrong says that an answer is not what was asked for.
func errWrong(m message, want uint64) error {
	return fmt.Errorf("latency: message %d was expected, %x came back", want, []byte(m[:min(len(m), 32)]))
}
