package api

import (
	"context"
	"net"
	"time"

	"dataplane/ip"
	"dataplane/sock"
)

// attemptDelay is how long an attempt to connect is alone before the next address is tried
// beside it. RFC 8305 8.
const attemptDelay = 250 * time.Millisecond

// order puts the addresses of a name into the order in which to try them: the best first,
// and the families by turns (RFC 8305 4).
func (n *Net) order(names []sock.Name) []sock.Name {
	if len(names) < 2 {
		return names
	}
	is4 := func(m *sock.Name) bool { return ip.Addr(m.Addr).Is4() }
	ip.Sort(n.host.Routes.Load(), names, func(m *sock.Name) ip.Addr { return ip.FromName(m.Addr, m.Zone) })
	var same, other []sock.Name // as the first one
	for i := range names {
		if is4(&names[i]) == is4(&names[0]) {
			same = append(same, names[i])
		} else {
			other = append(other, names[i])
		}
	}
	out := make([]sock.Name, 0, len(names))
	for i := range max(len(same), len(other)) {
		out = append(out, same[min(i, len(same)):min(i+1, len(same))]...)
		out = append(out, other[min(i, len(other)):min(i+1, len(other))]...)
	}
	return out
}

// dialAny connects to one of several addresses. The error is of the first one, which matters
// most. Datagrams wait for nobody, and a resident task may not: they try one after the other.
func (n *Net) dialAny(ctx context.Context, network string, typ int, names []sock.Name) (net.Conn, error) {
	if typ == sock.TypeStream && len(names) > 1 && !n.tasks.Here() {
		r := race{n: n, network: network, names: names, first: len(names)}
		return r.run(ctx)
	}
	var first error
	for _, to := range names {
		c, err := n.dial(ctx, network, typ, to)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// race is attempts to connect to several addresses, of which one wins: RFC 8305 5. One
// goroutine; each attempt has another, which ends soon after the race.
type race struct {
	n       *Net
	network string
	names   []sock.Name
	results chan attempt
	begun   int
	ended   int
	first   int // which address err is of
	err     error
}

// attempt is how one ended.
type attempt struct {
	which int
	conn  net.Conn
	err   error
}

func (r *race) run(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the others
	r.results = make(chan attempt, len(r.names))
	delay := time.NewTimer(attemptDelay)
	defer delay.Stop()
	r.begin(ctx)
	for r.ended < r.begun {
		select {
		case a := <-r.results:
			r.ended++
			if a.err == nil {
				go r.lose(r.begun - r.ended)
				return a.conn, nil
			}
			if a.which < r.first {
				r.first, r.err = a.which, a.err
			}
			if ctx.Err() != nil {
				continue // those under way end, too
			}
		case <-delay.C:
		}
		r.begin(ctx) // RFC 8305 5: at once where one has failed
		delay.Reset(attemptDelay)
	}
	return nil, r.err
}

// begin tries the next address, if there is one.
func (r *race) begin(ctx context.Context) {
	if r.begun == len(r.names) {
		return
	}
	which := r.begun
	r.begun++
	go func() {
		c, err := r.n.dial(ctx, r.network, sock.TypeStream, r.names[which])
		r.results <- attempt{which, c, err}
	}()
}

// lose closes what the attempts that are under way still bring.
func (r *race) lose(attempts int) {
	for range attempts {
		if a := <-r.results; a.err == nil {
			a.conn.Close() //nolint:errcheck // nobody wants it
		}
	}
}
