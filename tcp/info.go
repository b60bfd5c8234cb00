package tcp

import "dataplane/perf"

// Info is a look at a connection, as Linux's tcp_info.
type Info struct {
	State                    State
	Congestion               string
	Recovering, Lost         bool
	RTT, RTTVar, RTO         perf.Tick
	Cwnd, Ssthresh, InFlight int
	MSS, PathMTU             int
	SndWnd, RcvWnd           int
	SndScale, RcvScale       uint8
	Timestamps, SACK         bool
	Unacked, Unsent          int // bytes of TX
	Unread, OutOfOrder       int // bytes of RX; intervals beyond the first hole
	RcvLimit                 int
	Retries                  int
}

// Info describes s. On the lcore.
func (s *Sock) Info() Info {
	d, r := &s.snd, &s.rcv
	i := Info{
		State: s.state, Congestion: s.opt.cong.String(),
		Recovering: s.loss.phase == recovering, Lost: s.loss.phase == lost,
		RTT: s.rtt.SRTT, RTTVar: s.rtt.Var, RTO: s.rtt.RTO,
		Cwnd: s.win.Cwnd, Ssthresh: s.win.Ssthresh, MSS: s.win.MSS, PathMTU: int(d.mtu),
		SndWnd: int(d.wnd), SndScale: d.scale, RcvScale: r.scale,
		Timestamps: r.tsOK, SACK: r.sackOK,
		Unacked: int(d.max - d.una), Unread: s.RX.Len(),
		RcvLimit: r.limit, Retries: int(d.retries),
	}
	if r.ooo != nil {
		i.OutOfOrder = r.ooo.Len()
	}
	if s.state.synchronized() {
		i.InFlight = s.inFlight()
		i.RcvWnd = int(int32(r.edge - r.nxt))
		i.Unsent = max(int(int32(s.endSeq()-d.max)), 0)
	}
	return i
}
