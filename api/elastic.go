package api

import (
	"dataplane/lcore"
	"dataplane/perf"
)

// elastic is the goroutine that moves flows between lcores.
type elastic struct {
	quit chan struct{} // closed by teardown; nil: flows stay where they are
	done chan struct{}
}

// makeElastic lets flows move, and starts who moves them if the configuration asks for
// it.
func (n *Net) makeElastic() error {
	g := n.group
	n.host.Elastic(func(local, remote [16]byte, lport, rport uint16) int {
		return lcore.FlowOf(lcore.Hash4(local, remote, lport, rport))
	}, g.Owns)
	g.SetMover(func(from, to int, set *lcore.FlowSet, now perf.Tick) { n.host.Move(from, to, set[:], now) })
	return nil
}

// startElastic follows the start of the lcores.
func (n *Net) startElastic() error {
	if !n.cfg.Elastic || n.group.Len() == 1 {
		return nil
	}
	b := lcore.NewBalancer(n.group, lcore.Elastic{}, perf.Now())
	n.elastic.quit, n.elastic.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(n.elastic.done)
		b.Run(n.elastic.quit)
	}()
	return nil
}

// stopElastic returns when nothing moves any more.
func (n *Net) stopElastic() {
	if n.elastic.quit != nil {
		close(n.elastic.quit)
		<-n.elastic.done
		n.elastic.quit = nil
	}
}

// FlowGroups returns how many of the 128 flow groups each lcore owns. Only an elastic
// plane changes that; an lcore without any is parked.
func (n *Net) FlowGroups() []int {
	out := make([]int, n.group.Len())
	for i := range out {
		out[i] = n.group.Owns(i)
	}
	return out
}
