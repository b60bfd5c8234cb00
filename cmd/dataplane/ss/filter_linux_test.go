package ss

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFilter(t *testing.T) {
	e := &entry{family: unix.AF_INET, state: established, local: netip.MustParseAddrPort("10.0.0.2:80"), remote: netip.MustParseAddrPort("10.0.0.9:40000")}
	v6 := &entry{family: unix.AF_INET6, local: netip.MustParseAddrPort("[2001:db8::2]:80"), remote: netip.MustParseAddrPort("[2001:db8::9]:40000")}
	for words, want := range map[string][2]bool{
		"":                                {true, true},
		"sport = :80":                     {true, true},
		"sport :80 and dport = :40000":    {true, true},
		"sport 80":                        {true, true},
		"sport != :80":                    {false, false},
		"dport >= :40000":                 {true, true},
		"dport gt 40000":                  {false, false},
		"src 10.0.0.2":                    {true, false},
		"src 10.0.0.0/24:80":              {true, false},
		"dst 10.0.1.0/24":                 {false, false},
		"dst != 10.0.0.9":                 {false, true},
		"src [2001:db8::2]:80":            {false, true},
		"src 2001:db8::/32 sport lt :100": {false, true},
		"src *:80":                        {true, true},
	} {
		f, err := parse(strings.Fields(words), &Options{})
		if err != nil {
			t.Errorf("%q: %v", words, err)
			continue
		}
		if got := [2]bool{f.takes(e), f.takes(v6)}; got != want {
			t.Errorf("%q: %v, want %v", words, got, want)
		}
	}
	for _, words := range []string{"bogus", "state", "state x", "sport", "sport = :x", "sport = :99999", "src", "src x", "dst > 10.0.0.1", "src :"} {
		_, err := parse(strings.Fields(words), &Options{})
		var u Usage
		if !errors.As(err, &u) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

func TestStates(t *testing.T) {
	for _, c := range []struct {
		o     Options
		words string
		want  uint32
	}{
		{Options{}, "", connected},
		{Options{All: true}, "", allStates},
		{Options{Listening: true}, "", 1<<listening | 1<<closed},
		{Options{All: true}, "state established", 1 << established},
		{Options{}, "state syn-sent state TIME-WAIT", 1<<synSent | 1<<timeWait},
		{Options{}, "exclude listening exclude closed", allStates &^ (1<<listening | 1<<closed)},
		{Options{}, "state all exclude time-wait", allStates &^ (1 << timeWait)},
	} {
		f, err := parse(strings.Fields(c.words), &c.o)
		if err != nil || f.states != c.want {
			t.Errorf("%+v %q: %#x, %v, want %#x", c.o, c.words, f.states, err, c.want)
		}
	}
}

// A message that is cut is refused, not believed.
func TestReadShort(t *testing.T) {
	whole := make([]byte, answerLen)
	whole[0] = unix.AF_INET
	for n := range whole {
		if e, err := read("tcp", whole[:n]); err == nil {
			t.Errorf("%d bytes: %+v", n, e)
		}
	}
	if e, err := read("tcp", whole); err != nil || e.local != netip.MustParseAddrPort("0.0.0.0:0") {
		t.Errorf("%+v, %v", e, err)
	}
}
