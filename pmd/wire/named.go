package wire

import (
	"fmt"
	"strings"
	"sync"

	"dataplane/pmd"
)

func init() { pmd.Register("wire", newExchange().open) }

// exchange joins two Opens of one name: "lab:0" and "lab:1" are the two ends of the
// wire "lab". The driver registry holds the only one.
type exchange struct {
	mu    sync.Mutex
	wires map[string]*named
}

// named is a wire of which at least one end is open.
type named struct {
	ends [2]*Port
	used [2]bool // opened, perhaps closed since
	shut [2]bool
}

func newExchange() *exchange { return &exchange{wires: map[string]*named{}} }

// open opens one end. The first of the two decides about queues and takes it that
// the second will offer the same offloads; the second is refused if it does not.
func (x *exchange) open(device string, opt pmd.Options) (pmd.Port, error) {
	name, side, err := split(device)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	w := x.wires[name]
	if w == nil {
		if w, err = x.create(name, side, opt); err != nil {
			return nil, err
		}
	} else if err := w.join(side, opt); err != nil {
		return nil, err
	}
	w.used[side] = true
	return w.ends[side], nil
}

func split(device string) (name string, side int, err error) {
	name, end, ok := strings.Cut(device, ":")
	if !ok || name == "" || end != "0" && end != "1" {
		return "", 0, fmt.Errorf("a wire's ends are called name:0 and name:1")
	}
	return name, int(end[0] - '0'), nil
}

func (x *exchange) create(name string, side int, opt pmd.Options) (*named, error) {
	var c [2]Config
	for i := range c {
		c[i] = Config{
			Name:     fmt.Sprintf("%s:%d", name, i),
			MTU:      opt.MTU,
			Queues:   opt.Queues,
			Offloads: opt.Allowed(Has),
		}
	}
	c[side].MAC = opt.MAC
	a, b, err := Pair(c[0], c[1])
	if err != nil {
		return nil, err
	}
	w := &named{ends: [2]*Port{a, b}}
	for i, p := range w.ends {
		p.onDone = func() { x.closed(name, w, i) }
	}
	x.wires[name] = w
	return w, nil
}

// join sets up the second end as its own options ask.
func (w *named) join(side int, opt pmd.Options) error {
	p, first := w.ends[side], w.ends[1-side]
	if w.used[side] {
		return fmt.Errorf("it is open, or was and the other end still is")
	}
	if w.shut[1-side] {
		return fmt.Errorf("the other end is closed")
	}
	c := Config{Name: p.info.Device, MTU: opt.MTU, Queues: opt.Queues, MAC: opt.MAC, Offloads: first.offered}
	if opt.Offloads != nil {
		c.Offloads &= *opt.Offloads
	}
	if c.Queues == 0 {
		c.Queues = first.info.Queues
	}
	if err := c.complete(side); err != nil {
		return err
	}
	if c.Queues != first.info.Queues {
		return fmt.Errorf("the other end has %d queues, not %d", first.info.Queues, c.Queues)
	}
	if missing := first.info.Offloads &^ negotiate(first.offered, c.Offloads); missing != 0 {
		return fmt.Errorf("the other end relies on %v: allow both ends the same offloads", missing)
	}
	p.info.MAC, p.info.MTU, p.offered = c.MAC, c.MTU, c.Offloads
	p.settle()
	return nil
}

// closed forgets the wire when nobody holds an end of it.
func (x *exchange) closed(name string, w *named, side int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w.shut[side] = true
	if other := 1 - side; !w.used[other] || w.shut[other] {
		delete(x.wires, name)
	}
}
