//go:build mbufdebug

package mbuf

import (
	"strings"
	"testing"
)

// panics returns what f panics with.
func panics(t *testing.T, f func()) (msg string) {
	t.Helper()
	defer func() {
		r := recover()
		if r == nil {
			t.Fatal("no panic")
		}
		msg = r.(string)
	}()
	f()
	return ""
}

func wants(t *testing.T, msg string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(msg, w) {
			t.Errorf("no %q in: %s", w, msg)
		}
	}
}

func firstOwner(p *Pool, m *Mbuf)  { p.Free(m) }
func secondOwner(p *Pool, m *Mbuf) { p.Free(m) }

func TestDoubleFree(t *testing.T) {
	p := newPool(t, 4)
	m := p.Alloc()
	firstOwner(p, m)
	wants(t, panics(t, func() { secondOwner(p, m) }), "freed twice", "firstOwner", "secondOwner", "TestDoubleFree")
	m = p.Alloc()
	FreeAnywhere(m)
	wants(t, panics(t, func() { FreeAnywhere(m) }), "freed twice")
	o := newPool(t, 4)
	m = o.Alloc()
	p.Free(m)
	wants(t, panics(t, func() { p.Free(m) }), "freed twice")
	p.Housekeep()
}

func TestWriteAfterFree(t *testing.T) {
	for _, write := range []func(m *Mbuf, b []byte){
		func(_ *Mbuf, b []byte) { b[5] = 1 },
		func(m *Mbuf, _ []byte) { m.DataLen = 3 },
		func(m *Mbuf, _ []byte) { m.Prepend(14)[0] = 1 },
		func(m *Mbuf, _ []byte) { m.OlFlags = 0 },
		func(m *Mbuf, _ []byte) { m.SetNext(m) },
	} {
		p, err := NewPool(Config{Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		m := p.Alloc()
		b := m.Append(10)
		firstOwner(p, m)
		write(m, b)
		wants(t, panics(t, func() { p.Alloc() }), "after it was freed", "firstOwner", "TestWriteAfterFree")
	}
}

func TestLeakNamesOwner(t *testing.T) {
	p := newPool(t, 4)
	m := p.Alloc()
	err := p.Close()
	if err == nil {
		t.Fatal("no error")
	}
	wants(t, err.Error(), "1 of 4 buffers leaked", "allocated", "TestLeakNamesOwner")
	p.Free(m)
}
