package lcore

import (
	"dataplane/perf"
	"dataplane/pmd"
)

// A card that has RSS and can change its table while it runs follows the groups: what
// belongs to a moved group comes to the queue of its new owner, and nobody hands it over.

// cardBursts is how many bursts are taken from a queue of a card after its table was
// changed: twice what the longest may hold.
const cardBursts = 256

// card is a port whose own table follows the groups.
type card struct {
	port   pmd.Redirector
	behind FlowSet // groups that its table still has at an old owner
}

// follow notes that the group's table becomes that of p, too, if p can do that and its
// queues are the cores'.
func (c *Core) follow(p pmd.Port, rss bool) bool {
	if !rss || len(c.group.cores) == 1 {
		return false
	}
	port, ok := pmd.As[pmd.Redirector](p)
	if ok && c.id == 0 {
		c.group.cards = append(c.group.cards, &card{port: port})
	}
	return ok
}

// redirect lets the cards bring the groups of set, which from owned, to the queues of
// their new owner. A card that refuses leaves the frames where they came before, and
// whoever gets them there hands them over. No core takes a turn meanwhile.
//
// What came by the old table goes first: every queue is emptied before a core goes on,
// and so before anybody looks at what came by the new one. A frame that is later
// yet is handed over like one of a card that refused.
func (g *Group) redirect(from *Core, set *FlowSet, now perf.Tick) {
	var table [Flows]uint8
	for i := range table {
		table[i] = uint8(g.reta[i].Load())
	}
	for _, k := range g.cards {
		k.behind.add(set)
		n := k.behind.Len()
		if n == 0 {
			continue
		}
		if k.port.Redirect(table[:]) != nil {
			from.stat.Event(perf.EvRedirectRefused)
			continue
		}
		from.stat.Events[perf.EvRedirected] += uint64(n)
		for _, c := range g.cores {
			c.table.keepPieces(&k.behind)
		}
		k.behind = FlowSet{}
	}
	for _, c := range g.cores {
		for i := range c.rx {
			if r := &c.rx[i]; r.card {
				g.empty(c, r, cardBursts, now)
			}
		}
	}
}

// catchUp offers the table again to cards that have refused it. As Move otherwise.
func (g *Group) catchUp(now perf.Tick) {
	g.mu.Lock()
	defer g.mu.Unlock()
	late := false
	for _, k := range g.cards {
		late = late || k.behind.Len() > 0
	}
	if !late || g.state == stopped || !g.stand() {
		return
	}
	defer g.goOn()
	g.settle(now)
	g.redirect(g.cores[0], new(FlowSet), now)
}

// keepPieces lets packets without ports of the groups in set, which a card with another
// table brings elsewhere, go to the core that the first table said.
func (t *flowTable) keepPieces(set *FlowSet) {
	for i, in := range set {
		if in {
			t.pieces[i] = t.home[i]
		}
	}
}
