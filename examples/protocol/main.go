// Command protocol adds a protocol above IP to a plane: number 253, which RFC 3692 leaves
// to experiments. A host answers each packet of it with the same in capital letters. Two
// planes with a wire between them try it; nothing is needed to run it.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	"dataplane/api"
	"dataplane/inet"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
)

const number = 253

// shout is the protocol on one lcore (Linux: struct net_protocol). A packet is one byte,
// question or answer, and text.
type shout struct {
	stack  *inet.Stack
	answer chan string
	failed chan error
}

const (
	question = 'q'
	answer   = 'a'
)

// Input is called on the lcore with each packet: the handler of net_protocol. It borrows
// both.
func (p *shout) Input(m *mbuf.Mbuf, pkt *ip.Packet) perf.Verdict {
	b := make([]byte, m.PktLen)
	m.CopyTo(0, b)
	switch {
	case len(b) == 0:
		return perf.DropIPShort
	case b[0] == question && !pkt.Multicast && !pkt.Broadcast:
		b[0] = answer
		p.stack.SendIP(&ip.Endpoint{Local: pkt.Dst, Remote: pkt.Src}, number, bytes.ToUpper(b), pkt.Now)
	case b[0]|' ' == answer:
		select {
		case p.answer <- string(b[1:]):
		default: // nobody waits: an lcore does not, either
		}
	}
	return perf.Delivered
}

// Error is called with ICMP errors about what was sent: the err_handler of net_protocol.
func (p *shout) Error(e *ip.Error) perf.Verdict {
	select {
	case p.failed <- e.Errno:
	default:
	}
	return perf.Delivered
}

// register adds the protocol to a plane, on all its lcores.
func register(plane *api.Net) (*shout, error) {
	all := &shout{answer: make(chan string, 1), failed: make(chan error, 1)}
	return all, plane.RegisterProtocol(number, func(s *inet.Stack) ip.Protocol {
		p := *all
		p.stack = s
		return &p
	})
}

// ask sends a question and waits for the answer.
func (p *shout) ask(plane *api.Net, to netip.Addr, text string) (string, error) {
	stack := plane.Stacks()[0]
	stack.Core.Call(func() { // an lcore's layers are used on the lcore
		e := ip.Endpoint{Remote: ip.FromNetip(to)}
		stack.SendIP(&e, number, append([]byte{question}, text...), stack.Core.Now)
	})
	select {
	case s := <-p.answer:
		return s, nil
	case err := <-p.failed:
		return "", err
	case <-time.After(5 * time.Second):
		return "", errors.New("no answer")
	}
}

func main() {
	a, b, err := api.Pipe(api.Config{}, api.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	p, err := register(a)
	if err == nil {
		_, err = register(b)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.ask(a, netip.MustParseAddr("10.0.0.2"), "hello"))
}
