package main

import (
	"net"
	"slices"
	"testing"
	"time"
)

// runFloor runs a side's load for a moment, and closes it.
func runFloor(t *testing.T, s *subject, err error) count {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	n, err := atWork(s.load)
	if err != nil || n.ops == 0 {
		t.Fatalf("%+v, %v", n, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	return n
}

func TestFloorDatagrams(t *testing.T) {
	for _, r := range []rawUDP{{burst: 1, size: msgSize}, {burst: wireBurst, size: msgSize}, {burst: wireBurst, size: 1400}, {burst: 3, size: 7}} {
		for _, handler := range []bool{false, true} {
			s, err := r.floor(handler)
			runFloor(t, s, err)
		}
	}
}

// TestFloorExchange: two packets an exchange, and no more.
func TestFloorExchange(t *testing.T) {
	for _, n := range []int{1, 100} {
		for name, open := range map[string]func() (*subject, error){
			"goroutines": func() (*subject, error) { return floorTCP(floorRing, n, serveEcho, request) },
			"calls":      func() (*subject, error) { return floorTasks(n) },
		} {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			before := s.packets()
			if before != uint64(3*n) {
				t.Errorf("%s, %d: %d packets to connect", name, n, before)
			}
			x, err := s.load.run(5 * time.Millisecond)
			if got := s.packets() - before; err != nil || got != 2*x.ops {
				t.Errorf("%s, %d: %d packets for %d exchanges, %v", name, n, got, x.ops, err)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFloorBulk: rings of all sizes, so that segments lie across their ends.
func TestFloorBulk(t *testing.T) {
	for _, ring := range []int{4096, 1 << 14, floorBulkRing} {
		s, err := floorTCP(ring, 1, serveBulk, flow)
		runFloor(t, s, err)
		s, err = floorTCP(ring, 1, serveBulk, func(c []net.Conn) load { return &bulk{conn: c[0], dir: readFromIt, write: chunk} })
		runFloor(t, s, err)
	}
}

// TestFloorChurn: six packets a connection, and none is left but in TIME-WAIT.
func TestFloorChurn(t *testing.T) {
	s, err := floorChurn(4)
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.load.run(20 * time.Millisecond)
	if err != nil || s.packets() != 6*n.ops {
		t.Errorf("%+v, %v, %d packets", n, err, s.packets())
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// TestFloorRefuses: what is damaged is dropped.
func TestFloorRefuses(t *testing.T) {
	there, back := newSlots(64, slotSize), newSlots(64, slotSize)
	c := newFloor(floorRing, back, there)
	s := c.stacks[0]
	s.addr = 10<<24 | 2
	u := s.connectUDP(10<<24|1, gvisorPort, gvisorPort)
	g := newGenerator(there, back, ethLen, 1, msgSize, gvisorPort)
	for at := ethLen; at < len(g.frames[0]); at++ {
		f := slices.Clone(g.frames[0])
		f[at] ^= 0x55
		there.filled(0, copy(there.free(0), f))
		there.publish(1)
		c.step()
		if u.in.waiting() != 0 {
			t.Fatalf("byte %d is damaged, and nobody minds", at)
		}
	}
	there.filled(0, copy(there.free(0), g.frames[0]))
	there.publish(1)
	if c.step(); u.in.waiting() != 1 || s.dropped != uint64(len(g.frames[0])-ethLen) {
		t.Errorf("%d waiting, %d dropped", u.in.waiting(), s.dropped)
	}
}

// TestFloorFlows compares the table with a map.
func TestFloorFlows(t *testing.T) {
	var f floorFlows[int]
	f.grow(4)
	want := map[uint64]*int{}
	for i := range uint64(20000) {
		key := i * 0x9e3779b97f4a7c15 >> 40
		if want[key] == nil && i%3 != 2 {
			want[key] = new(int)
			f.insert(key, want[key])
		} else if want[key] != nil {
			delete(want, key)
			f.remove(key)
		}
		if old := (i / 2) * 0x9e3779b97f4a7c15 >> 40; f.find(old) != want[old] {
			t.Fatalf("after %d: %x", i, old)
		}
	}
	if f.used != len(want) {
		t.Errorf("%d used, %d in the map", f.used, len(want))
	}
	for key, x := range want {
		if f.find(key) != x {
			t.Errorf("%x is not found", key)
		}
	}
}
