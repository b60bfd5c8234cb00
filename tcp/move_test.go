package tcp

import (
	"testing"

	"dataplane/internal/timer"
	"dataplane/ip"
	"dataplane/perf"
)

// waitLayer is a layer that has nothing but TIME-WAIT entries.
func waitLayer(most int) *Layer {
	l := &Layer{cfg: Config{Wheel: new(timer.Wheel), TimeWait: perf.Minute, MaxTimeWait: most}}
	l.cfg.Wheel.Init(0)
	l.waits = ip.NewFlowTable[*timeWait](0, [16]byte{1})
	l.waiting.l = l
	l.waiting.timer.Init(&l.waiting, 0)
	return l
}

func (l *Layer) addWait(port uint16, now perf.Tick) {
	tw := &timeWait{key: ip.FlowKey{LocalPort: port}}
	tw.hash = l.waits.Hash(&tw.key)
	l.waits.Put(tw.hash, &tw.key, tw)
	l.waiting.push(tw, now)
}

// ports returns the entries in the order in which they end.
func (w *waitList) ports() (list []uint16) {
	for tw := w.first; tw != nil; tw = tw.next {
		list = append(list, tw.key.LocalPort)
	}
	return list
}

func sameList(a, b []uint16) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestMovedWaitsStayInOrder: entries end when they would have ended.
func TestMovedWaitsStayInOrder(t *testing.T) {
	a, b := waitLayer(10), waitLayer(10)
	for i := range uint16(6) {
		a.addWait(i, perf.Tick(i)*perf.Second)
		b.addWait(100+i, perf.Tick(i)*perf.Second+perf.Second/2)
	}
	a.waiting.moveTo(&b.waiting, func(k *ip.FlowKey) bool { return k.LocalPort%2 == 0 })
	if got := a.waiting.ports(); !sameList(got, []uint16{1, 3, 5}) || a.waits.Len() != 3 {
		t.Errorf("left behind: %v", got)
	}
	if got := b.waiting.ports(); !sameList(got, []uint16{0, 100, 101, 2, 102, 103, 4, 104, 105}) || b.waits.Len() != 9 {
		t.Errorf("together: %v", got)
	}
	if b.cfg.Wheel.Advance(int64(perf.Minute + 3*perf.Second - 1)); b.waits.Len() != 4 {
		t.Errorf("%d are left after a while: %v", b.waits.Len(), b.waiting.ports())
	}
	a.cfg.Wheel.Advance(int64(2 * perf.Minute))
	b.cfg.Wheel.Advance(int64(2 * perf.Minute))
	if a.waits.Len()+b.waits.Len() != 0 || b.waiting.last != nil || a.waiting.last != nil {
		t.Error("some never end")
	}
}

// Where there is no room the oldest give way.
func TestMovedWaitsAreBounded(t *testing.T) {
	a, b := waitLayer(8), waitLayer(8)
	for i := range uint16(6) {
		a.addWait(i, perf.Tick(i)*perf.Second)
		b.addWait(100+i, perf.Tick(i)*perf.Second+perf.Second/2)
	}
	a.waiting.moveTo(&b.waiting, func(*ip.FlowKey) bool { return true })
	if got := b.waiting.ports(); len(got) != 8 || b.waits.Len() != 8 || got[7] != 105 || a.waits.Len() != 0 {
		t.Errorf("%v", got)
	}
}
