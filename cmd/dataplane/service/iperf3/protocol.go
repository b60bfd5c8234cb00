// Package iperf3 is a server that iperf3's client can measure against. It speaks
// the control protocol of iperf3 3.12: TCP and UDP, forward, reverse, both ways
// at once and parallel streams. One test runs at a time.
//
// A test is a goroutine that follows the control connection, and one more for
// each stream that sends or receives over TCP or sends over UDP. All datagrams
// come in at one socket, read by a goroutine of the server.
package iperf3

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// state is the byte that each side sends on the control connection when the
// test moves on.
type state int8

const (
	testStart       state = 1
	testRunning     state = 2
	testEnd         state = 4
	paramExchange   state = 9
	createStreams   state = 10
	serverTerminate state = 11
	clientTerminate state = 12
	exchangeResults state = 13
	displayResults  state = 14
	iperfDone       state = 16
	accessDenied    state = -1
	serverError     state = -2
)

// The UDP handshake: four bytes each way for each stream, in the byte order of
// the client's machine. 3.12 and its elders use different numbers.
const (
	udpConnect       = 0x36373839
	udpReply         = 0x39383736
	udpConnectLegacy = 123456789
	udpReplyLegacy   = 987654321
)

const (
	cookieLen = 37      // 36 characters and a zero
	maxJSON   = 1 << 20 // of parameters or results
	patience  = 10 * time.Second
)

type cookie [cookieLen]byte

// params is what the client asks for.
type params struct {
	TCP        bool    `json:"tcp"`
	UDP        bool    `json:"udp"`
	SCTP       bool    `json:"sctp"`
	Omit       float64 `json:"omit"`
	Time       float64 `json:"time"`
	Parallel   int     `json:"parallel"`
	Reverse    bool    `json:"reverse"`
	Both       bool    `json:"bidirectional"`
	Len        int     `json:"len"`
	Bandwidth  uint64  `json:"bandwidth"` // bit/s of each stream; 0: no limit
	Counters64 int     `json:"udp_counters_64bit"`
	NoDelay    bool    `json:"nodelay"`
	Window     int     `json:"window"`
	Version    string  `json:"client_version"`
}

// refusal is an error that iperf3's client can spell out, by its number there.
type refusal struct {
	code int32
	text string
}

func (r *refusal) Error() string { return r.text }

// Numbers of iperf_api.h.
const (
	errStreams  = 4
	errBlock    = 5
	errSCTP     = 9
	errUDPBlock = 11
	errUnimp    = 13
)

// check fills in defaults and refuses what cannot be served.
func (p *params) check() error {
	if p.Len == 0 {
		p.Len = 128 << 10
		if p.UDP {
			p.Len = 1460
		}
	}
	p.Parallel = max(p.Parallel, 1)
	switch {
	case p.SCTP:
		return &refusal{errSCTP, "SCTP is not served"}
	case p.TCP == p.UDP:
		return &refusal{errUnimp, "neither TCP nor UDP"}
	case p.Parallel > 128:
		return &refusal{errStreams, "more than 128 parallel streams"}
	case p.UDP && (p.Len < 16 || p.Len > 65507):
		return &refusal{errUDPBlock, fmt.Sprintf("datagrams of %d bytes", p.Len)}
	case p.Len < 1 || p.Len > 1<<20:
		return &refusal{errBlock, fmt.Sprintf("blocks of %d bytes", p.Len)}
	}
	return nil
}

// directions says of each stream, in the order in which the client opens them,
// whether we send on it.
func (p *params) directions() []bool {
	var d []bool
	for range p.Parallel {
		d = append(d, p.Reverse && !p.Both)
	}
	for range p.Parallel {
		if p.Both {
			d = append(d, true)
		}
	}
	return d
}

// results is what both sides tell each other at the end.
type results struct {
	CPUTotal       float64        `json:"cpu_util_total"`
	CPUUser        float64        `json:"cpu_util_user"`
	CPUSystem      float64        `json:"cpu_util_system"`
	HasRetransmits int            `json:"sender_has_retransmits"` // -1: we do not send
	Streams        []streamResult `json:"streams"`
}

type streamResult struct {
	ID             int     `json:"id"`
	Bytes          uint64  `json:"bytes"`
	Retransmits    int     `json:"retransmits"`
	Jitter         float64 `json:"jitter"`
	Errors         int64   `json:"errors"`
	OmittedErrors  int64   `json:"omitted_errors"`
	Packets        int64   `json:"packets"`
	OmittedPackets int64   `json:"omitted_packets"`
	Start          float64 `json:"start_time"`
	End            float64 `json:"end_time"`
}

// streamID is how iperf3 numbers its streams: 1, 3, 4, 5 and so on.
func streamID(i int) int {
	if i == 0 {
		return 1
	}
	return i + 2
}

// control is the control connection.
type control struct{ net.Conn }

// tell sends the state that the test is in now.
func (c control) tell(s state) error {
	_, err := c.Write([]byte{byte(s)})
	return err
}

// refuse tells the client why there will be no test.
func (c control) refuse(r *refusal) error {
	b := binary.BigEndian.AppendUint32([]byte{byte(0xff & int(serverError))}, uint32(r.code))
	_, err := c.Write(binary.BigEndian.AppendUint32(b, 0)) // no errno
	return err
}

// hear waits for the client's next state.
func (c control) hear() (state, error) {
	var b [1]byte
	_, err := io.ReadFull(c, b[:])
	return state(b[0]), err
}

// get reads JSON behind its length.
func (c control) get(v any) error {
	var head [4]byte
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxJSON {
		return fmt.Errorf("%d bytes of JSON are too much", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	return errors.Join(json.Unmarshal(b, v), c.SetReadDeadline(time.Time{}))
}

// put writes v as JSON behind its length.
func (c control) put(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
