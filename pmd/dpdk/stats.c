//go:build dpdk

// What may be asked of a port by any goroutine.
#include <stdlib.h>
#include <string.h>

#include "dpi.h"

// dp_port_link asks for the link's state, without waiting, and tells the queues.
void dp_port_link(struct dp_port *p, struct dp_link *l)
{
	struct rte_eth_link link;
	memset(&link, 0, sizeof(link));
	memset(l, 0, sizeof(*l));
	if (!__atomic_load_n(&p->gone, __ATOMIC_ACQUIRE) && dp.rte_eth_link_get_nowait(p->id, &link) == 0) {
		l->up = link.link_status == RTE_ETH_LINK_UP;
		l->full = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
		l->mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	}
	__atomic_store_n(&p->up, l->up, __ATOMIC_RELEASE);
}

_Static_assert(sizeof(struct dp_name) == sizeof(struct rte_eth_xstat_name), "names");

static uint64_t get(const uint64_t *v) { return __atomic_load_n(v, __ATOMIC_RELAXED); }

// dp_port_stats adds up the queues' counters; the losses that only the device
// knows of come on top if it is asked.
void dp_port_stats(struct dp_port *p, struct dp_stats *s, bool device)
{
	struct rte_eth_stats d;
	memset(s, 0, sizeof(*s));
	for (uint16_t i = 0; i < p->queues; i++) {
		struct dp_queue *q = &p->q[i];
		s->ipackets += get(&q->ipackets);
		s->ibytes += get(&q->ibytes);
		s->opackets += get(&q->opackets);
		s->obytes += get(&q->obytes);
		s->oerrors += get(&q->oerrors);
		s->no_mbuf += get(&q->no_mbuf);
	}
	if (device && dp.rte_eth_stats_get(p->id, &d) == 0) {
		s->imissed += d.imissed;
		s->ierrors += d.ierrors;
		s->oerrors += d.oerrors;
		s->no_mbuf += d.rx_nombuf;
	}
}

// dp_port_xstats fills names and values with up to n of the device's counters, and
// returns how many there are; -1: it does not say.
int dp_port_xstats(struct dp_port *p, struct dp_name *names, uint64_t *values, unsigned int n)
{
	int have = dp.rte_eth_xstats_get_names(p->id, n > 0 ? (struct rte_eth_xstat_name *)names : NULL, n);
	if (have <= 0 || n == 0 || (unsigned int)have > n) {
		return have;
	}
	struct rte_eth_xstat *x = calloc(n, sizeof(*x));
	if (x == NULL) {
		return -1;
	}
	int got = dp.rte_eth_xstats_get(p->id, x, n);
	memset(values, 0, n * sizeof(*values));
	for (int i = 0; i < got && i < (int)n; i++) {
		if (x[i].id < n) {
			values[x[i].id] = x[i].value;
		}
	}
	free(x);
	return have;
}
