package fuzz

import (
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// maxRounds bounds how often the far end answers until everything has arrived.
const maxRounds = 300

// goOn looks whether the connections that have survived the input still work:
// the far end becomes a good peer, and what was written must reach it, and what
// it writes the application.
func (w *world) goOn() {
	if w.mute || w.tainted {
		return
	}
	for _, a := range append([]*app(nil), w.apps...) {
		if a.udp || a.listens || w.bad != "" || !a.connected() {
			continue
		}
		f := w.find(ip.Addr(a.peer).As4(), a.rport, a.lport)
		if f == nil || f.vague || f.odd || !f.sync || !a.alive() {
			continue
		}
		w.timers, w.frames = 0, 0
		w.supply(a, f)
		w.drain(a, f)
	}
}

func (a *app) alive() bool { return !a.s.SK().Has(sock.FlagDead) && a.w.bad == "" }

// good is an acknowledgement of everything, with room for more.
func (w *world) good(f *flow) *spec {
	s := &spec{flags: ack, seq: f.nxt, ack: f.max, wnd: 65535, at: f.nxt - (f.irs + 1)}
	if f.scale > 0 {
		s.wnd = 2000
	}
	return s
}

// drain acknowledges until all that a wrote has left and arrived.
func (w *world) drain(a *app, f *flow) {
	if before(f.nxt, f.top) { // behind our FIN: the windows of what we can send are older for ever
		return
	}
	for range maxRounds {
		if a.s.SK().TX.Len() == 0 || !a.alive() {
			return
		}
		was := f.max
		w.send(f, w.good(f))
		if f.max == was { // nothing new: a timer must see to it
			w.timers = 0
			w.advance(max(w.next(w.now, w.now+130*perf.Second)-w.now, 65536))
		}
	}
	w.fail("port %d does not get its last %d bytes across", a.lport, a.s.SK().TX.Len())
}

// supply sends what the far end has left out so far, and a little more, until a
// can read it. Without the former the segments that came before their time would
// be newer than all that follow, and so would be the windows they showed.
func (w *world) supply(a *app, f *flow) {
	sk := a.s.SK()
	size := min(w.cfg.mtu-100, 1400)
	start, idle := a.in, 0
	for range 2 * maxRounds {
		a.read(1 << 16)
		full := !before(f.nxt, f.top)
		if full && (a.in > start || a.deaf) || idle > 40 || !a.alive() || sk.Has(sock.FlagRcvShut) && !a.deaf {
			break
		}
		was := f.nxt
		s := w.good(f)
		if s.n = 50; !full {
			s.n = size
		}
		w.send(f, s)
		if f.nxt == was {
			idle++
			w.advance(50 * perf.Millisecond)
		}
	}
	if !a.deaf && a.alive() && !sk.Has(sock.FlagRcvShut) && a.in == start {
		w.fail("port %d takes no more data at %d of its stream", a.lport, a.in)
	}
}
