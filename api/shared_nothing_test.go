package api

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"dataplane/internal/gen"
	"dataplane/lcore"
	"dataplane/perf"
)

// behindGen opens a plane of two lcores with clients in its port.
func behindGen(t *testing.T, mode Mode, cfg gen.Config) (*Net, *gen.Port) {
	t.Helper()
	g, err := lcore.NewGroup(2, lcore.Shared, lcore.Sleep) // the same table as the plane's
	if err != nil {
		t.Fatal(err)
	}
	cfg.Queues, cfg.Port = 2, 7
	cfg.Owner = func(local, remote [16]byte, lport, rport uint16) int {
		return g.Owner(lcore.Hash4(local, remote, lport, rport))
	}
	p, err := gen.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Stop(); err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{
		Mode: mode, Lcores: []int{AnyCPU, AnyCPU},
		Ports: []Port{{Opened: p, Addrs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4(gen.PlaneIP), 24)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, p
}

// atRest returns the counters once all lcores sleep, and so have shown them.
func atRest(t *testing.T, n *Net) []perf.Stat {
	t.Helper()
	turns := func() (sum uint64) {
		for _, s := range n.Stats() {
			sum += s.Events[perf.EvTurnBusy]
		}
		return sum
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		before := turns()
		if time.Sleep(30 * time.Millisecond); turns() == before {
			return n.Stats()
		}
	}
	t.Fatal("the lcores do not come to rest")
	return nil
}

type echoDatagrams struct{ NoDatagrams }

func (echoDatagrams) Datagram(c *Inside, b []byte) {
	c.Reply(b) //nolint:errcheck // the clients judge
}

// TestNothingShared: where programs run on the lcores, and flows come to the lcore
// they belong to, nothing goes from thread to thread.
func TestNothingShared(t *testing.T) {
	udp := gen.Config{Flows: 8, Request: make([]byte, 64)}
	tcp := gen.Config{Flows: 8, TCP: true, Request: []byte("a question"), End: []byte("the answer")}
	for _, c := range []struct {
		name    string
		clients gen.Config
		serve   func(t *testing.T, n *Net)
	}{
		{"udp in handlers", udp, func(t *testing.T, n *Net) {
			c, err := n.ListenPacket("udp", ":7")
			if err == nil {
				err = c.(*UDPConn).Handle(func(*Inside) DatagramHandler { return echoDatagrams{} })
			}
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"tcp in resident tasks", tcp, func(t *testing.T, n *Net) {
			l, err := n.Listen("tcp", ":7")
			if err != nil {
				t.Fatal(err)
			}
			go l.(*TCPListener).ServeResident(func(c net.Conn) { //nolint:errcheck // until the end
				buf := make([]byte, 100)
				for {
					if k, err := c.Read(buf); err != nil || string(buf[:k]) != "a question" {
						c.Close()
						return
					}
					c.Write([]byte("the answer")) //nolint:errcheck // the clients judge
				}
			})
		}},
		{"tcp in handlers", tcp, func(t *testing.T, n *Net) {
			l, err := n.Listen("tcp", ":7")
			if err != nil {
				t.Fatal(err)
			}
			go l.(*TCPListener).ServeHandler(func(*Inside) Handler { return answers{} }) //nolint:errcheck // until the end
		}},
	} {
		for _, mode := range []Mode{ModeShared, ModeLocked} {
			t.Run(c.name+", "+mode.String(), func(t *testing.T) {
				n, p := behindGen(t, mode, c.clients)
				c.serve(t, n)
				// A busy machine may need longer until all connections are made.
				for span := 50 * time.Millisecond; ; span *= 4 {
					p.Run(span) // connections are made
					before := atRest(t, n)
					res := p.Run(span)
					wrong := crossings(before, atRest(t, n), res)
					if wrong == "" {
						return
					}
					if span > time.Second {
						t.Fatal(wrong)
					}
					t.Log(wrong)
				}
			})
		}
	}
}

// crossings says which lcores had no answers, or touched one another.
func crossings(before, after []perf.Stat, res []gen.Result) (wrong string) {
	for i := range after {
		if res[i].Answers == 0 || res[i].Bad > 0 {
			wrong += fmt.Sprintf("lcore %d: %d answers, %d bad\n", i, res[i].Answers, res[i].Bad)
		}
		if after[i].Crossed() == before[i].Crossed() {
			continue
		}
		for e := range perf.NumEvents {
			if d := after[i].Events[e] - before[i].Events[e]; d != 0 {
				wrong += fmt.Sprintf("lcore %d: %d times %v\n", i, d, e)
			}
		}
	}
	return wrong
}

// answers is a Handler that answers each question.
type answers struct{ NoHandler }

func (answers) DataReady(c *Inside) {
	var buf [100]byte
	k, err := c.Recv(buf[:])
	if err == syscall.EAGAIN {
		return
	}
	if err != nil || string(buf[:k]) != "a question" {
		c.Close()
		return
	}
	c.Send([]byte("the answer")) //nolint:errcheck // the clients judge
}
