package tcp

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the generated documents")

const stepsFile = "../docs/tcp-steps.md"

// TestStepsDoc: docs/tcp-steps.md is what the rows say.
func TestStepsDoc(t *testing.T) {
	want := stepsDoc()
	if *update {
		if err := os.WriteFile(stepsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(stepsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: go test ./tcp -run Steps -update", stepsFile)
	}
}

// expected is the matrix of RFC 9293 3.10.7 in words of its own: the first of
// the flags that decides.
func expected(st State, f uint8) string {
	rst, syn, ack, fin := f&RST != 0, f&SYN != 0, f&ACK != 0, f&FIN != 0
	pick := func(c bool, yes, no string) string {
		if c {
			return yes
		}
		return no
	}
	switch st {
	case Closed:
		return pick(rst, "ignore", "refuse")
	case Listen:
		switch {
		case rst:
			return "ignore"
		case ack:
			return "listenAck"
		case syn && !fin:
			return "listenSyn"
		}
	case SynSent:
		switch {
		case rst:
			return "synSentRst"
		case ack:
			return pick(syn, "synSentAck", "synSentStray")
		case syn:
			return "synSentSyn"
		}
	case SynRcvd:
		switch {
		case rst:
			return "synRcvdRst"
		case syn:
			return pick(ack, "synRcvdSynAck", "synRcvdSyn")
		case ack:
			return "synRcvdAck"
		}
	case TimeWait:
		switch {
		case rst:
			return "timeWaitRst"
		case ack:
			return "timeWaitAck"
		case syn && !fin:
			return "timeWaitSyn"
		}
	default:
		switch {
		case rst:
			return "reset"
		case syn:
			return "strayed"
		case ack:
			return "receive"
		}
	}
	return ""
}

// TestStepsMatrix: every state with every combination of flags has the step
// that the RFC's order of checks gives, and next has what rows say.
func TestStepsMatrix(t *testing.T) {
	for st := Closed; st < nStates; st++ {
		for f := range uint8(64) {
			got := ""
			if r := find(st, f); r != nil {
				got = r.name
			}
			if want := expected(st, f); got != want {
				t.Errorf("%v with %s: step %q, want %q", st, flagNames(f), got, want)
			}
			if next[st][f] == nil {
				t.Errorf("%v with %s: nothing in next", st, flagNames(f))
			}
		}
	}
}

// TestStepsUsed: no row is hidden behind those before it.
func TestStepsUsed(t *testing.T) {
	for i := range rows {
		used := false
		for _, st := range rows[i].states {
			for f := range uint8(64) {
				used = used || find(st, f) == &rows[i]
			}
		}
		if !used {
			t.Errorf("row %d (%s) is never reached", i, rows[i].name)
		}
	}
}

func TestStateNames(t *testing.T) {
	seen := map[string]bool{}
	for st := Closed; st < nStates; st++ {
		if seen[st.String()] || st.String() == "" {
			t.Errorf("state %d is called %q", st, st)
		}
		seen[st.String()] = true
	}
	if nStates.String() != "UNKNOWN" {
		t.Error("a state out of range has a name")
	}
}
