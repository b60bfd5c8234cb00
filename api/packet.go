package api

import "dataplane/pmd"

// listenPort makes a port hand up frames that are for nobody here. A port that is no
// pmd.Listener does so anyway.
func (n *Net) listenPort(iface int, allGroups, all bool) error {
	if l, ok := pmd.As[pmd.Listener](n.ports[iface]); ok {
		return l.Listen(allGroups, all)
	}
	return nil
}
