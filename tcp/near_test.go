package tcp_test

import (
	"syscall"
	"testing"

	wt "dataplane/internal/wiretest"
)

// TestSameFlowAgain: a flow that is remembered is forgotten when its connection ends: the
// next one of the same addresses and ports gets its own segments, and what comes between
// the two is nobody's.
func TestSameFlowAgain(t *testing.T) {
	w := wt.New(t, wt.Config{})
	for _, text := range []string{"first", "second"} {
		a := w.Connect(40000, 80)
		f := w.Flow(40000, 80)
		f.Expect(Seg{Flags: SYN})
		f.Send(Seg{Flags: SYN | ACK, MSS: 1000})
		f.Expect(Seg{})
		f.Send(Seg{Data: text})
		f.Expect(Seg{})
		a.ExpectString(text)
		f.Send(Seg{Flags: RST | ACK})
		a.WantError(syscall.ECONNRESET)
		a.Close()
		f.Send(Seg{Data: "late"})
		f.Expect(Seg{Flags: RST})
	}
}

// TestManyFlows: more flows than are remembered, in turn, each get what is theirs.
func TestManyFlows(t *testing.T) {
	w := wt.New(t, wt.Config{})
	const flows = 300
	var ends [flows]*wt.App
	var peers [flows]*wt.Flow
	for i := range ends {
		port := uint16(20000 + i)
		ends[i], peers[i] = w.Connect(port, 80), w.Flow(port, 80)
		peers[i].Expect(Seg{Flags: SYN})
		peers[i].Send(Seg{Flags: SYN | ACK, MSS: 1000})
		peers[i].Expect(Seg{})
	}
	for round := range 2 {
		for i, f := range peers {
			text := string(rune('a'+round)) + string(rune('A'+i%26))
			f.Send(Seg{Data: text})
			f.Expect(Seg{})
			ends[i].ExpectString(text)
		}
	}
}
