package nic

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// counters is what serve prints at its end.
type counters struct {
	Ports []struct {
		Driver, Device, MAC, Offloads     string
		MTU, Queues                       int
		Loopback                          bool
		IPackets, IBytes, OPackets        uint64
		IMissed, IErrors, OErrors, OBytes uint64
		RxNoMbuf                          uint64
		Own                               map[string]uint64
	}
	Lcores []struct {
		RxFrames, TxFrames, Delivered uint64
		Drops, Lost, Events           map[string]uint64
	}
}

// check compares what the NIC counted with what the lcores counted.
func (s *session) check(config, text string) {
	s.Helper()
	var c counters
	if err := json.Unmarshal([]byte(text), &c); err != nil || len(c.Ports) != 2 || len(c.Lcores) != s.lane.lcores {
		s.Fatalf("%s: counters: %v: %s", config, err, text)
	}
	nic, lo := c.Ports[0], c.Ports[1]
	var rx, tx, copied, steered uint64
	for i, l := range c.Lcores {
		rx += l.RxFrames
		tx += l.TxFrames
		copied += l.Events["steer-copied"]
		steered += l.Events["steered"]
		sum := l.Delivered
		for _, n := range l.Drops {
			sum += n
		}
		if sum != l.RxFrames {
			s.Errorf("%s: lcore %d received %d frames; delivered and dropped are %d", config, i, l.RxFrames, sum)
		}
		s.Logf("%s: lcore %d: %d frames in, %d out; drops %s; lost %s; %d retransmits, %d steered", config, i,
			l.RxFrames, l.TxFrames, list(l.Drops), list(l.Lost), l.Events["tcp-retransmit"], l.Events["steered"])
	}
	s.Logf("%s: %s %s: %d frames in, %d out, %d missed, %d in and %d out in error, %d without a buffer; offloads %s", config,
		nic.Driver, nic.Device, nic.IPackets, nic.OPackets, nic.IMissed, nic.IErrors, nic.OErrors, nic.RxNoMbuf, nic.Offloads)
	if nic.MAC != mac {
		s.Errorf("%s: the NIC's address is %s, want %s", config, nic.MAC, mac)
	}
	// A datagram that came in fragments may be handed on when it is whole.
	if got := nic.IPackets + lo.IPackets + copied; rx < got || rx > got+steered {
		s.Errorf("%s: the ports received %d frames (%d of them copied, %d steered), the lcores %d", config, got, copied, steered, rx)
	}
	if n := nic.Own["rx_good_packets"]; n != nic.IPackets+nic.RxNoMbuf && !s.wasReset {
		s.Errorf("%s: the NIC counted %d frames in, we %d: %v", config, n, nic.IPackets, nic.Own)
	}
	if n := nic.Own["tx_good_packets"]; n != nic.OPackets && !s.wasReset {
		s.Errorf("%s: the NIC counted %d frames out, we %d: %v", config, n, nic.OPackets, nic.Own)
	}
	if got := nic.OPackets + nic.OErrors + lo.OPackets; got != tx {
		s.Errorf("%s: the ports sent or lost %d frames, the lcores sent %d", config, got, tx)
	}
	if config == "small" && s.lane.elastic(smallMTU) {
		s.followed(&c)
	}
	if config != "usual" {
		return
	}
	if nic.OErrors == 0 {
		s.Errorf("%s: nothing was lost while the cable was pulled", config)
	}
	for i, l := range c.Lcores {
		if l.RxFrames < 100 || steered*20 > rx {
			s.Errorf("%s: lcore %d got %d frames, %d of %d were steered: the NIC does not spread the flows", config, i, l.RxFrames, steered, rx)
		}
	}
}

// followed wants the NIC's own table to have brought groups that moved to their new
// queue. What moves while the NIC is reset it gets to know later, all at once.
func (s *session) followed(c *counters) {
	s.Helper()
	sum := map[string]uint64{}
	for _, l := range c.Lcores {
		for _, e := range []string{"flows-moved", "redirected", "redirect-refused"} {
			sum[e] += l.Events[e]
		}
	}
	s.Logf("%v", sum)
	if sum["redirected"] == 0 || sum["redirected"] != sum["flows-moved"] && sum["redirect-refused"] == 0 {
		s.Errorf("the NIC did not follow: %v", sum)
	}
}

func list(m map[string]uint64) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
