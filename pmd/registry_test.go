package pmd

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

type nullPort struct{ Port }

func TestRegistry(t *testing.T) {
	boom := errors.New("no such card")
	Register("test-b", func(device string, opt Options) (Port, error) {
		if device == "bad" {
			return nil, boom
		}
		return nullPort{}, nil
	})
	Register("test-a", func(string, Options) (Port, error) { return nullPort{}, nil })
	if got := strings.Join(Drivers(), " "); got != "test-a test-b" {
		t.Errorf("Drivers: %s", got)
	}
	if p, err := Open("test-b", "x", Options{}); err != nil || p == nil {
		t.Errorf("Open: %v, %v", p, err)
	}
	_, err := Open("test-b", "bad", Options{})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), `open test-b device "bad"`) {
		t.Errorf("Open of a bad device: %v", err)
	}
	_, err = Open("tset-a", "x", Options{})
	if err == nil || !strings.Contains(err.Error(), `unknown driver "tset-a" (known: test-a, test-b)`) {
		t.Errorf("Open of an unknown driver: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a driver was registered twice")
		}
	}()
	Register("test-a", func(string, Options) (Port, error) { return nullPort{}, nil })
}

func TestOffload(t *testing.T) {
	if got := (RxChecksum | TSO | VLANInsert).String(); got != "rx-checksum,tso,vlan-insert" {
		t.Error(got)
	}
	if got := Offload(0).String(); got != "none" {
		t.Error(got)
	}
	if n := len(strings.Split(AllOffloads.String(), ",")); n != 11 {
		t.Errorf("%d names", n)
	}
	if !AllOffloads.Has(TSO|LRO) || TSO.Has(TSO|LRO) {
		t.Error("Has")
	}
	none, some := Offload(0), TSO|RSS
	for _, c := range []struct {
		opt  *Offload
		want Offload
	}{{nil, TSO | LRO}, {&none, 0}, {&some, TSO}} {
		o := Options{Offloads: c.opt}
		if got := o.Allowed(TSO | LRO); got != c.want {
			t.Errorf("Allowed: %v, want %v", got, c.want)
		}
	}
}

func TestCounters(t *testing.T) {
	var a, b Counters
	a.Received(2, 200)
	b.Received(3, 300)
	a.Sent(1, 60)
	a.Sent(0, 0)
	a.RxError(4)
	a.Missed(5)
	a.NoMbuf(6)
	b.TxError(7)
	var s Stats
	a.AddTo(&s)
	b.AddTo(&s)
	want := Stats{IPackets: 5, IBytes: 500, OPackets: 1, OBytes: 60, IMissed: 5, IErrors: 4, OErrors: 7, RxNoMbuf: 6}
	if s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestSettings(t *testing.T) {
	o := Options{Extra: map[string]string{"b": "2", "a": "1"}}
	var got []string
	for name, value := range o.Settings("x=y,,z,k=v=w") {
		got = append(got, name+":"+value)
	}
	if want := "[x:y z: k:v=w a:1 b:2]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	for range o.Settings("x=y") {
		break
	}
}
