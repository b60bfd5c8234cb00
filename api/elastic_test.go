package api

import (
	"testing"
	"time"

	"dataplane/internal/gen"
	"dataplane/lcore"
	"dataplane/perf"
)

// TestElasticPlane: without load one lcore has all flows and the other is parked;
// with load both have some. The clients' frames come to their first lcores all the
// same, as from a card whose table nobody changes.
func TestElasticPlane(t *testing.T) {
	for _, mode := range []Mode{ModeShared, ModeLocked} {
		t.Run(mode.String(), func(t *testing.T) {
			n, p := behindGen(t, mode, gen.Config{Flows: 16, TCP: true, Request: []byte("a question"), End: []byte("the answer")})
			l, err := n.Listen("tcp", ":7")
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						buf := make([]byte, 100)
						for {
							if _, err := c.Read(buf); err != nil {
								return
							}
							c.Write([]byte("the answer")) //nolint:errcheck // the clients judge
						}
					}()
				}
			}()
			b := lcore.NewBalancer(n.group, lcore.Elastic{Grow: 0.05, Shrink: 0.04, Patience: 2}, perf.Now())
			until := func(what string, ok func(groups []int) bool) {
				t.Helper()
				for end := time.Now().Add(30 * time.Second); !ok(n.FlowGroups()); {
					if time.Now().After(end) {
						t.Fatalf("%s: the lcores have %v flow groups", what, n.FlowGroups())
					}
					time.Sleep(10 * time.Millisecond)
					b.Look(perf.Now())
				}
			}
			rounds := 2
			if testing.Short() {
				rounds = 1
			}
			for range rounds {
				until("idle", func(g []int) bool { return g[1] == 0 })
				done, stop := make(chan []gen.Result), make(chan bool)
				go func() {
					var all []gen.Result
					for ended := false; !ended; {
						all = append(all, p.Run(time.Second)...)
						select {
						case <-stop:
							ended = true
						default:
						}
					}
					done <- all
				}()
				until("busy", func(g []int) bool { return g[1] > 0 })
				close(stop)
				answers := uint64(0)
				for i, r := range <-done {
					if r.Bad > 0 {
						t.Errorf("queue %d: %d bad answers", i%2, r.Bad)
					}
					answers += r.Answers
				}
				if answers == 0 {
					t.Error("no answers")
				}
			}
			for _, s := range n.Stats() {
				if r := s.Events[perf.EvTCPRetransmit]; r > 0 { // on a machine that is away for long; see internal/sim
					t.Logf("%d segments were sent again", r)
				}
			}
		})
	}
}

// TestElasticConfig: the plane itself gathers its flows.
func TestElasticConfig(t *testing.T) {
	t.Parallel() // it waits for the balancer
	a, b := pipe(t, Config{Mode: ModeShared, Lcores: []int{AnyCPU, AnyCPU, AnyCPU}, Elastic: true})
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	go echoes(l)
	c, err := a.Dial("tcp", "10.0.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for end := time.Now().Add(time.Minute); a.FlowGroups()[0] != lcore.Flows || b.FlowGroups()[0] != lcore.Flows; {
		if time.Now().After(end) {
			t.Fatalf("the lcores have %v and %v flow groups", a.FlowGroups(), b.FlowGroups())
		}
		if err := talk(c, 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if c, err := a.Dial("tcp", "10.0.0.2:7"); err != nil {
		t.Error(err)
	} else {
		if err := talk(c, 3); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}
