package packet

import (
	"encoding/binary"
	"syscall"

	"dataplane/eth"
	"dataplane/sock"
)

// wantAux is the bit of Extra.Wants that asks for PACKET_AUXDATA.
const wantAux = sock.WantFamily

// Bits of tp_status in a struct tpacket_auxdata.
const (
	statusUser    = 1 << 0
	statusNoSum   = 1 << 3 // TP_STATUS_CSUMNOTREADY
	statusVLAN    = 1 << 4
	statusVLANTag = 1 << 6 // TP_STATUS_VLAN_TPID_VALID
	statusSum     = 1 << 7 // TP_STATUS_CSUM_VALID

	auxLen = 20
)

var native = binary.NativeEndian

// control writes the control messages that s wants with the frame h into b, and returns
// how many bytes that took.
func control(s *sock.Socket, h *sock.Record, b []byte, flags *int) int {
	want := s.Extra().Wants()
	if want == 0 {
		return 0
	}
	c := sock.Controls{B: b}
	c.PutStamps(want, h.Time())
	if want&sock.WantDrops != 0 {
		n := uint32(0)
		for _, sk := range s.Group() {
			n += of(sk).drops.Load()
		}
		c.PutDrops(want, n)
	}
	if want&wantAux != 0 {
		var data [auxLen]byte
		putAux(data[:], h)
		c.Put(syscall.SOL_PACKET, optAuxdata, data[:])
	}
	if c.Short {
		*flags |= sock.MsgCtrunc
	}
	return c.N
}

// putAux writes a struct tpacket_auxdata: status, both lengths, where the headers are,
// the tag that is not in the frame.
func putAux(b []byte, h *sock.Record) {
	status := uint32(statusUser)
	if h.Flags()&sumMissing != 0 {
		status |= statusNoSum
	}
	if h.Flags()&sumGood != 0 {
		status |= statusSum
	}
	link := h.Local()
	native.PutUint32(b[4:], link.Zone)
	native.PutUint32(b[8:], uint32(h.Len()))
	native.PutUint16(b[14:], uint16(h.TTL()))
	if h.Flags()&vlanOutside != 0 {
		status |= statusVLAN | statusVLANTag
		native.PutUint16(b[16:], link.Port)
		native.PutUint16(b[18:], eth.TypeVLAN)
	}
	native.PutUint32(b[0:], status)
}
