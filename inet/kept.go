package inet

import (
	"dataplane/sock"
	"dataplane/sock/options"
)

// Options that are only kept: they have no effect on this type of socket, in Linux
// neither, but programs set them.

// isKept reports whether that is all that becomes of o.
func isKept(s *sock.Socket, o option) bool {
	r := options.Find(o.level, o.name)
	return r != nil && r.Kept&typeOf(s) != 0
}

// keep remembers o.
func (p *private) keep(o option, value int) {
	x := p.more()
	x.mu.Lock()
	if x.kept == nil {
		x.kept = make(map[option]int)
	}
	x.kept[o] = value
	x.mu.Unlock()
}

// keptValue is what was remembered, 0 if nothing was.
func (p *private) keptValue(o option) int {
	x := p.extra.Load()
	if x == nil {
		return 0
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.kept[o]
}
