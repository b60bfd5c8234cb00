package inet

import (
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Elastic says that flows may change their lcore: group tells the flow group of a
// flow, owns how many groups an lcore owns. Before the first socket.
func (h *Host) Elastic(group func(local, remote [16]byte, lport, rport uint16) int, owns func(core int) int) {
	h.flowGroup, h.owns = onWire(group), owns
}

// Move gives all that lcore from knows of the flows of the groups in set to the lcore
// to, and takes groups that must stay out of set: code on the lcore serves some of
// their connections. Neither lcore takes a turn meanwhile.
func (h *Host) Move(from, to int, set []bool, now perf.Tick) (flows int) {
	a, b := h.stacks[from], h.stacks[to]
	goes := func(k *ip.FlowKey) bool {
		return set[h.flowGroup(k.Local, k.Remote, k.LocalPort, k.RemotePort)]
	}
	stay := func(k *ip.FlowKey) {
		set[h.flowGroup(k.Local, k.Remote, k.LocalPort, k.RemotePort)] = false
	}
	a.TCP.Rooted(stay)
	a.UDP.Rooted(stay)
	a.Lite.Rooted(stay)
	a.Eth.TellNeighbors(b.Eth, now)
	a.IP.TellPaths(b.IP, now)
	flows = a.TCP.MoveTo(b.TCP, goes, now) + a.UDP.MoveTo(b.UDP, goes, now) + a.Lite.MoveTo(b.Lite, goes, now)
	a.stat.Events[perf.EvSocketsMoved] += uint64(flows)
	return flows
}

// takeHome sees to it that the Socks of a Socket that is not connected are on their
// lcores again: an attempt to connect may have ended on another.
func (h *Host) takeHome(s *sock.Socket) {
	group := s.Group()
	if len(group) != len(h.stacks) {
		return
	}
	for i, sk := range group {
		if st := h.stacks[i]; sk.Core() != st.Core && of(s).sw.Protocol == ip.ProtoTCP {
			sk.Call(func() { st.TCP.TakeHome(sk) })
		}
	}
}
