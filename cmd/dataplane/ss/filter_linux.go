package ss

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// States as Linux numbers them, with the names that are shown.
const (
	established = 1
	synSent     = 2
	synRecv     = 3
	finWait1    = 4
	finWait2    = 5
	timeWait    = 6
	closed      = 7
	closeWait   = 8
	lastAck     = 9
	listening   = 10
	closing     = 11

	allStates = 1<<(closing+1) - 2
	connected = allStates &^ (1<<listening | 1<<closed | 1<<timeWait | 1<<synRecv)
)

var stateNames = map[uint8]string{
	established: "ESTAB", synSent: "SYN-SENT", synRecv: "SYN-RECV", finWait1: "FIN-WAIT-1", finWait2: "FIN-WAIT-2", timeWait: "TIME-WAIT",
	closed: "UNCONN", closeWait: "CLOSE-WAIT", lastAck: "LAST-ACK", listening: "LISTEN", closing: "CLOSING",
}

// stateWords are the names of a state filter.
var stateWords = map[string]uint32{
	"established": 1 << established, "syn-sent": 1 << synSent, "syn-recv": 1 << synRecv, "fin-wait-1": 1 << finWait1,
	"fin-wait-2": 1 << finWait2, "time-wait": 1 << timeWait, "closed": 1 << closed, "close-wait": 1 << closeWait, "last-ack": 1 << lastAck,
	"listening": 1 << listening, "listen": 1 << listening, "closing": 1 << closing,
	"all": allStates, "connected": allStates &^ (1<<closed | 1<<listening),
	"synchronized": allStates &^ (1<<closed | 1<<listening | 1<<synSent), "bucket": 1<<synRecv | 1<<timeWait, "big": allStates &^ (1<<synRecv | 1<<timeWait),
}

// condition is one part of an expression; a socket must fulfil all.
type condition struct {
	local  bool
	prefix netip.Prefix // not valid: any
	port   int          // -1: any
	op     string
}

// filter is what an expression says.
type filter struct {
	states uint32
	conds  []condition
}

// operators are the words for a comparison.
var operators = map[string]string{
	"=": "=", "==": "=", "eq": "=", "!=": "!=", "ne": "!=", "neq": "!=", ">=": ">=", "ge": ">=", "geq": ">=", "<=": "<=", "le": "<=", "leq": "<=",
	">": ">", "gt": ">", "<": "<", "lt": "<",
}

// parse reads an expression: [state S | exclude S]... [and] [sport|dport OP :N | src|dst ADDRESS[/BITS][:N]]...
func parse(words []string, o *Options) (*filter, error) {
	f := &filter{states: connected}
	switch {
	case o.All:
		f.states = allStates
	case o.Listening:
		f.states = 1<<listening | 1<<closed
	}
	chosen := uint32(0)
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		return w
	}
	for len(words) > 0 {
		switch w := next(); w {
		case "and", "&", "&&":
		case "state", "exclude":
			name := next()
			bits, ok := stateWords[strings.ToLower(name)]
			if !ok {
				return nil, Usage{fmt.Errorf("ss: %q is no state", name)}
			}
			if w == "state" {
				chosen |= bits
			} else if chosen == 0 {
				chosen = allStates &^ bits
			} else {
				chosen &^= bits
			}
		case "sport", "dport", "src", "dst":
			c := condition{local: w[0] == 's', port: -1, op: "="}
			v := next()
			if op, ok := operators[v]; ok {
				c.op, v = op, next()
			}
			if err := c.value(v, strings.HasSuffix(w, "port")); err != nil {
				return nil, err
			}
			f.conds = append(f.conds, c)
		default:
			return nil, Usage{fmt.Errorf("ss: %q is not understood: state, exclude, sport, dport, src, dst, and", w)}
		}
	}
	if chosen != 0 {
		f.states = chosen
	}
	return f, nil
}

// value reads what an end is compared with.
func (c *condition) value(v string, portOnly bool) error {
	bad := Usage{fmt.Errorf("ss: %q: want :PORT, or ADDRESS[/BITS][:PORT]", v)}
	host, port := v, ""
	if i := strings.LastIndexByte(v, ':'); i >= 0 && (strings.Count(v, ":") == 1 || strings.HasPrefix(v, "[")) {
		host, port = v[:i], v[i+1:]
	}
	if portOnly && host != "" && host != "*" && port == "" {
		host, port = "", v
	}
	if port != "" && port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return bad
		}
		c.port = int(n)
	}
	host = strings.NewReplacer("[", "", "]", "").Replace(host)
	if host == "" || host == "*" {
		if c.port < 0 {
			return bad
		}
		return nil
	}
	if c.op != "=" && c.op != "!=" {
		return Usage{fmt.Errorf("ss: addresses are equal or not: %s", c.op)}
	}
	p, err := netip.ParsePrefix(host)
	if err != nil {
		a, err := netip.ParseAddr(host)
		if err != nil {
			return bad
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	c.prefix = p
	return nil
}

// holds reports whether an end of a socket is as the condition wants.
func (c *condition) holds(e *entry) bool {
	end := e.remote
	if c.local {
		end = e.local
	}
	equal := (!c.prefix.IsValid() || c.prefix.Contains(end.Addr().Unmap())) && (c.port < 0 || c.port == int(end.Port()))
	switch c.op {
	case "!=":
		return !equal
	case ">=":
		return int(end.Port()) >= c.port
	case "<=":
		return int(end.Port()) <= c.port
	case ">":
		return int(end.Port()) > c.port
	case "<":
		return int(end.Port()) < c.port
	}
	return equal
}

// takes reports whether e is listed.
func (f *filter) takes(e *entry) bool {
	for i := range f.conds {
		if !f.conds[i].holds(e) {
			return false
		}
	}
	return true
}
