package ip

// IPv4 options. RFC 791 3.1: bit 7 says that fragments carry it too.
const (
	optEnd  = 0
	optNop  = 1
	optLSRR = 131
	optSSRR = 137
)

// walkOptions checks a header's options and returns where the first bad one
// begins, or -1. RFC 1122 3.2.1.8: options that we do not know are skipped by
// their length; one that cannot be skipped makes the packet bad, and so does a
// source route that has not ended, since a host does not forward (3.2.1.8c).
func walkOptions(b []byte) (bad int, route bool) {
	for i := 0; i < len(b); {
		switch b[i] {
		case optEnd:
			return -1, false
		case optNop:
			i++
			continue
		}
		if i+1 >= len(b) {
			return i, false
		}
		n := int(b[i+1])
		if n < 2 || i+n > len(b) {
			return i, false
		}
		if b[i] == optLSRR || b[i] == optSSRR {
			// RFC 791 3.1: the third octet points behind the route when it is used up.
			if n < 3 || b[i+2] < 4 {
				return i, false
			}
			if int(b[i+2]) <= n {
				return i, true
			}
		}
		i += n
	}
	return -1, false
}
