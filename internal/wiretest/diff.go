package wiretest

import (
	"fmt"
	"slices"

	"dataplane/tcp"
)

// diff says in which fields a segment is not what the test wants, one line for
// each.
func (f *Flow) diff(want, got *Seg) (d []string) {
	add := func(what string, w, g any) { d = append(d, fmt.Sprintf("%s: want %v, got %v", what, w, g)) }
	mask := ^uint8(tcp.PSH) | want.Flags&tcp.PSH
	if want.Flags&mask != got.Flags&mask {
		add("flags", FlagString(want.Flags), FlagString(got.Flags))
	}
	// The number of a SYN is what the flow learns from it.
	if got.Flags&tcp.SYN == 0 && uint32(want.Seq) != uint32(got.Seq) {
		add("seq", want.Seq, got.Seq)
	}
	if want.Flags&tcp.ACK != 0 && uint32(want.Ack) != uint32(got.Ack) {
		add("ack", want.Ack, got.Ack)
	}
	d = append(d, diffPayload(want, got)...)
	if want.Wnd > 0 && want.Wnd != got.Wnd || want.Wnd == ZeroWindow && got.Wnd != 0 {
		add("window", max(want.Wnd, 0), got.Wnd)
	}
	if want.MSS != 0 && want.MSS != got.MSS {
		add("mss", want.MSS, got.MSS)
	}
	if want.WScale != 0 && want.WScale != got.WScale {
		add("window scale", want.WScale, got.WScale)
	}
	if want.SackOK && !got.SackOK {
		add("sack permitted", true, false)
	}
	if !slices.Equal(want.Sack, got.Sack) {
		add("sack", want.Sack, got.Sack)
	}
	return append(d, f.diffTS(want, got)...)
}

// diffTS compares the timestamps. Once agreed they are on every segment but RST
// (RFC 7323 3.2).
func (f *Flow) diffTS(want, got *Seg) (d []string) {
	agreed := f.tsSent && f.tsGot && want.Flags&tcp.RST == 0
	if (want.TS || agreed && !want.NoTS) && !got.TS {
		return append(d, "timestamps: want them, got none")
	}
	if want.NoTS && got.TS {
		return append(d, "timestamps: want none, got them")
	}
	if want.TSVal != 0 && want.TSVal != got.TSVal {
		d = append(d, fmt.Sprintf("tsval: want %d, got %d", want.TSVal, got.TSVal))
	}
	if want.TSEcr != 0 && want.TSEcr != got.TSEcr {
		d = append(d, fmt.Sprintf("tsecr: want %d, got %d", want.TSEcr, got.TSEcr))
	}
	return d
}

// diffPayload compares length and content: Data, or the pattern at Seq.
func diffPayload(want, got *Seg) []string {
	if want.AnyPayload {
		return nil
	}
	if want.Len != got.Len {
		return []string{fmt.Sprintf("length: want %d, got %d", want.Len, got.Len)}
	}
	if want.Data != "" {
		if want.Data != got.Data {
			return []string{fmt.Sprintf("data: want %.60q, got %.60q", want.Data, got.Data)}
		}
		return nil
	}
	if i := patternEqual([]byte(got.Data), got.Seq-1); i >= 0 {
		return []string{fmt.Sprintf("data: byte %d of the stream is not the pattern's", got.Seq-1+int64(i))}
	}
	return nil
}
