package main

import (
	"errors"
	"testing"
	"time"
)

// bareGenerator returns one whose wire turns the frames round.
func bareGenerator(l2 int) *generator {
	g := newGenerator(newSlots(64, slotSize), newSlots(64, slotSize), l2, 32, 64, 7)
	g.mirror()
	return g
}

// bareGenerator6 is the same by IPv6.
func bareGenerator6() *generator {
	g := newGenerator6(newSlots(64, slotSize), newSlots(64, slotSize), 64, 7)
	g.mirror()
	return g
}

func TestGenerator(t *testing.T) {
	for name, g := range map[string]*generator{"bare": bareGenerator(0), "Ethernet": bareGenerator(ethLen), "IPv6": bareGenerator6()} {
		n, err := g.run(5 * time.Millisecond)
		if err != nil || n.ops < 32 || n.bytes != 64*n.ops || g.rx.waiting() != 0 {
			t.Errorf("%s: %+v, %v", name, n, err)
		}
	}
}

func TestGeneratorNoticesDamage(t *testing.T) {
	const ip = ethLen
	test := func(g *generator, what string, hurt func(f []byte)) {
		turn := g.tx.arrived
		g.tx.arrived = func() {
			turn()
			hurt(g.rx.frame(0))
		}
		if _, err := g.run(time.Millisecond); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, hurt := range map[string]func(f []byte){
		"payload":      func(f []byte) { f[ip+28+40]++ },
		"port":         func(f []byte) { f[ip+21]++ },
		"address":      func(f []byte) { f[ip+19]++ },
		"IP checksum":  func(f []byte) { f[ip+8]-- },
		"UDP checksum": func(f []byte) { f[ip+27]++ },
	} {
		test(bareGenerator(ethLen), what, hurt)
	}
	for what, hurt := range map[string]func(f []byte){
		"payload":      func(f []byte) { f[ip+48+40]++ },
		"port":         func(f []byte) { f[ip+41]++ },
		"address":      func(f []byte) { f[ip+39]++ },
		"UDP checksum": func(f []byte) { f[ip+47]++ },
	} {
		test(bareGenerator6(), what+", IPv6", hurt)
	}
}

// TestSlots: a sender that found no room hears of it once there is some.
func TestSlots(t *testing.T) {
	r := newSlots(4, 16)
	told := 0
	r.drained = func() { told++ }
	for i := range 10 {
		for r.room() > 0 {
			r.filled(0, copy(r.free(0), []byte{byte(i), 1, 2}))
			r.publish(1)
		}
		r.starved.Store(i%2 == 0)
		for r.waiting() > 0 {
			if f := r.frame(0); len(f) != 3 || f[0] != byte(i) {
				t.Fatalf("%x", f)
			}
			r.done(1)
		}
	}
	if told != 5 {
		t.Errorf("told %d times", told)
	}
}
