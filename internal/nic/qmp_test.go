package nic

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"time"
)

// qmp is a connection to QEMU's monitor (docs/interop/qmp-spec.rst of QEMU). One
// goroutine at a time uses it.
type qmp struct {
	c   net.Conn
	in  *bufio.Scanner
	out *json.Encoder
}

// reply is any message of QEMU: a greeting, an event, an answer.
type reply struct {
	QMP    json.RawMessage
	Event  string
	Return json.RawMessage
	Error  *struct{ Class, Desc string }
}

// dialQMP connects to the socket at path, for which it waits.
func dialQMP(path string, limit time.Duration) (*qmp, error) {
	var c net.Conn
	var err error
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if c, err = net.Dial("unix", path); err == nil {
			break
		}
		if time.Now().After(end) {
			return nil, err
		}
	}
	q := &qmp{c: c, in: bufio.NewScanner(c), out: json.NewEncoder(c)}
	if _, err = q.read(); err == nil { // the greeting
		err = q.do("qmp_capabilities", nil)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return q, nil
}

// read returns the next message that is no event.
func (q *qmp) read() (*reply, error) {
	_ = q.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for q.in.Scan() {
		var r reply
		if err := json.Unmarshal(q.in.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("qmp: %w", err)
		}
		if r.Event == "" {
			return &r, nil
		}
	}
	return nil, fmt.Errorf("qmp: the connection ended: %v", q.in.Err())
}

// do runs a command.
func (q *qmp) do(command string, args map[string]any) error {
	msg := map[string]any{"execute": command}
	if args != nil {
		msg["arguments"] = args
	}
	if err := q.out.Encode(msg); err != nil {
		return fmt.Errorf("qmp: %s: %w", command, err)
	}
	r, err := q.read()
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if r.Error != nil {
		return fmt.Errorf("qmp: %s: %s", command, r.Error.Desc)
	}
	return nil
}

// setLink plugs the NIC's cable in, or pulls it.
func (q *qmp) setLink(up bool) error {
	return q.do("set_link", map[string]any{"name": "nic0", "up": up})
}
