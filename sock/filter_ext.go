package sock

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
)

// Ancillary is what Linux's extensions to filters ask about a frame (SKF_AD_*). A filter
// that uses them runs on a message with an Ancillary in front, and its loads are moved.
type Ancillary struct {
	Len      uint32 // of the message
	Protocol uint16
	PktType  uint8
	Iface    uint32 // number, from 1
	HaType   uint16
	CPU      uint32
	Tagged   bool
	TCI      uint16
	TPID     uint16
	Random   uint32
}

// AncillaryLen is the room in front of a message.
const AncillaryLen = 40

// places is where an extension stands.
var places = map[bpf.Extension]uint32{
	bpf.ExtLen: 0, bpf.ExtProto: 4, bpf.ExtType: 8, bpf.ExtInterfaceIndex: 12, bpf.ExtLinkLayerType: 16, bpf.ExtCPUID: 20,
	bpf.ExtVLANTag: 24, bpf.ExtVLANTagPresent: 28, bpf.ExtRand: 32, bpf.ExtVLANProto: 36,
}

// Put writes a into b.
func (a *Ancillary) Put(b []byte) {
	present, put := uint32(0), binary.BigEndian.PutUint32
	if a.Tagged {
		present = 1
	}
	for i, v := range [AncillaryLen / 4]uint32{
		a.Len, uint32(a.Protocol), uint32(a.PktType), a.Iface, uint32(a.HaType), a.CPU, uint32(a.TCI), present, a.Random, uint32(a.TPID),
	} {
		put(b[4*i:], v)
	}
}

// extend moves the loads of a program that uses extensions, in place; false: it uses none
// but the length.
func extend(prog []bpf.Instruction) bool {
	uses := false
	for _, i := range prog {
		if x, ok := i.(bpf.LoadExtension); ok && x.Num != bpf.ExtLen {
			uses = true
		}
	}
	if !uses {
		return false
	}
	for k, i := range prog {
		switch x := i.(type) {
		case bpf.LoadExtension:
			if at, known := places[x.Num]; known {
				prog[k] = bpf.LoadAbsolute{Off: at, Size: 4}
			}
		case bpf.LoadAbsolute:
			x.Off = moved(x.Off)
			prog[k] = x
		case bpf.LoadIndirect:
			x.Off = moved(x.Off)
			prog[k] = x
		case bpf.LoadMemShift:
			x.Off = moved(x.Off)
			prog[k] = x
		}
	}
	return true
}

// moved is an offset behind an Ancillary; one that is beyond every message stays so.
func moved(off uint32) uint32 {
	if off > 1<<31-1-AncillaryLen {
		return off
	}
	return off + AncillaryLen
}
