package ip

import "dataplane/perf"

// Limits of what is read of one packet's extension headers. RFC 8504 5.3.
const (
	maxExtHeaders = 8
	maxOptions    = 8 // of one header, padding aside
	maxPadding    = 7 // bytes in a row: more align nothing
)

// Routing headers say how far they are.
const (
	atSegmentsLeft = 3
	atRoutingType  = 2
)

// extension is what a walk over the extension headers found.
type extension struct {
	proto uint8 // of what follows
	at    int   // where it begins
	next  int   // where proto stands
	frag  int   // where a fragment header begins, which ends the walk; 0: there is none
	whole bool  // it was in one piece or in fragments, and is whole now
	bad   int   // what is wrong, for the error message: the offset of the octet
	code  uint8 // of the parameter problem
	tell  tell  // whether the sender hears of it
}

// tell says who hears of what is wrong with a packet.
type tell uint8

const (
	tellNobody  tell = iota
	tellSender       // unless the packet went to a group
	tellAnybody      // RFC 8200 4.2: even then
)

// walkExtensions walks over the extension headers of the packet b, which goes as far as
// its first segment does, from the header number proto at x.at on. RFC 8200 4: in any
// order, but hop-by-hop options come first.
func walkExtensions(b []byte, x *extension) perf.Verdict {
	for n := 0; ; n++ {
		switch x.proto {
		case ProtoHopByHop, ProtoDstOpts, ProtoRouting:
		case ProtoFragment:
			if x.whole { // one in another
				x.problem(codeField, x.at, tellSender)
				return perf.DropFragBad
			}
			x.frag = x.at
			return perf.Delivered
		default:
			return perf.Delivered
		}
		if n == maxExtHeaders {
			return perf.DropIPExtension
		}
		if x.proto == ProtoHopByHop && (x.whole || x.at != HdrLen6) {
			return x.problem(codeNextHeader, x.next, tellSender)
		}
		if len(b) < x.at+8 {
			return perf.DropIPExtension
		}
		size := 8 + int(b[x.at+1])*8
		if len(b) < x.at+size {
			return perf.DropIPExtension
		}
		v := perf.Delivered
		if h := b[x.at : x.at+size]; x.proto == ProtoRouting {
			// RFC 8200 4.4: a host knows no kind of route; RFC 5095 3: type 0 neither.
			if h[atSegmentsLeft] != 0 {
				v = x.problem(codeField, x.at+atRoutingType, tellSender)
			}
		} else {
			v = x.options(h)
		}
		if v != perf.Delivered {
			return v
		}
		x.proto, x.next, x.at = b[x.at], x.at, x.at+size
	}
}

// problem notes what is wrong.
func (x *extension) problem(code uint8, at int, t tell) perf.Verdict {
	x.code, x.bad, x.tell = code, at, t
	return perf.DropIPExtension
}

// options checks those of the header h. No option is known that asks a host for
// anything: what is to be done with others their two highest bits say (RFC 8200 4.2).
func (x *extension) options(h []byte) perf.Verdict {
	seen, padding := 0, 0
	for i := 2; i < len(h); {
		if h[i] == 0 { // Pad1
			i++
			if padding++; padding > maxPadding {
				return perf.DropIPExtension
			}
			continue
		}
		if i+2 > len(h) || i+2+int(h[i+1]) > len(h) {
			return perf.DropIPExtension
		}
		n := 2 + int(h[i+1])
		if h[i] == 1 { // PadN
			if padding += n; padding > maxPadding {
				return perf.DropIPExtension
			}
			i += n
			continue
		}
		if seen++; seen > maxOptions {
			return perf.DropIPExtension
		}
		switch h[i] >> 6 {
		case 1:
			return perf.DropIPExtension
		case 2:
			return x.problem(codeOption, x.at+i, tellAnybody)
		case 3:
			return x.problem(codeOption, x.at+i, tellSender)
		}
		padding = 0
		i += n
	}
	return perf.Delivered
}
