package api

import (
	"syscall"

	"dataplane/pmd"
)

// closedEars are the drivers whose devices keep frames of others away, and which are no
// pmd.Listener.
var closedEars = map[string]bool{"afxdp": true}

// links is a Net as packet sockets see it.
type links struct{ *Net }

// Listen makes a port hand up frames that are for nobody here. Other ports than the
// above do so anyway. EOPNOTSUPP: it cannot be told.
func (n links) Listen(iface int, allGroups, all bool) error {
	if l, ok := pmd.As[pmd.Listener](n.ports[iface]); ok {
		return l.Listen(allGroups, all)
	}
	if (all || allGroups) && closedEars[n.ports[iface].Info().Driver] {
		return syscall.EOPNOTSUPP
	}
	return nil
}

// MTU is what the routes in force say. An interface that they do not know carries nothing.
func (n links) MTU(iface int) int {
	for _, f := range n.host.Routes.Load().Ifaces() {
		if int(f.Index) == iface {
			return f.MTU
		}
	}
	return 0
}
