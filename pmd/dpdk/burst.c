//go:build dpdk

// The bursts: one call from Go for each.
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dpi.h"

#define TX_WORK (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG | RTE_MBUF_F_TX_L4_MASK | \
		 RTE_MBUF_F_TX_IP_CKSUM)

// A thread that calls bursts becomes one of EAL's lcores, until it ends. If EAL has
// no number left the bursts work as well, they are only unknown to it.
static __thread bool known;
static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void end(void *unused)
{
	(void)unused;
	dp.rte_thread_unregister();
}

static void make_key(void) { pthread_key_create(&ending, end); }

static void introduce(void)
{
	known = true;
	pthread_once(&once, make_key);
	if (dp.rte_thread_register() == 0) {
		pthread_setspecific(ending, &known);
	}
}

// enter begins a burst; false: the device must be left alone.
//
//	lcore:   busy=1, then looks at hold        control: hold=1, then looks at busy
//
// One of them sees the other. The fence between the two steps, which the lcore
// would pay for in every burst, is membarrier's on the control side.
static inline bool enter(struct dp_queue *q)
{
	__atomic_store_n(&q->busy, 1, __ATOMIC_RELAXED);
	rte_compiler_barrier();
	if (unlikely(__atomic_load_n(&q->port->hold, __ATOMIC_RELAXED))) {
		__atomic_store_n(&q->busy, 0, __ATOMIC_RELEASE);
		return false;
	}
	dp_pool_mine = q->pool;
	if (unlikely(!known)) {
		introduce();
	}
	return true;
}

static inline void leave(struct dp_queue *q)
{
	dp_pool_mine = NULL;
	__atomic_store_n(&q->busy, 0, __ATOMIC_RELEASE);
}

// fence makes every running thread of the process pass a full barrier.
static void fence(void)
{
	static int ready; // 0: not asked, 1: registered, -1: the kernel has none
	if (ready == 0) {
		ready = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 ? 1 : -1;
	}
	if (ready < 0 || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
		usleep(20000); // store buffers do not last so long
	}
}

// dp_stop_queues keeps the lcores off the device and waits until none is in a
// burst; false: one is, for ten seconds.
bool dp_stop_queues(struct dp_port *p)
{
	__atomic_store_n(&p->hold, 1, __ATOMIC_SEQ_CST);
	fence();
	for (int rounds = 0; rounds < 10000; rounds++) {
		int busy = 0;
		for (uint16_t i = 0; i < p->queues; i++) {
			busy |= __atomic_load_n(&p->q[i].busy, __ATOMIC_ACQUIRE);
		}
		if (!busy) {
			return true;
		}
		usleep(1000);
	}
	return false;
}

// dp_go_queues lets the lcores use the device.
void dp_go_queues(struct dp_port *p) { __atomic_store_n(&p->hold, 0, __ATOMIC_SEQ_CST); }

// stranger replaces a buffer that is not of any pool of ours, which Go could not
// free, by a copy; NULL: there is no buffer for it, or it is too long for one.
static struct rte_mbuf *stranger(struct dp_queue *q, struct rte_mbuf *m)
{
	struct rte_mbuf *c = NULL;
	if (m->pool == NULL || m->pool->ops_index == q->mp->ops_index) {
		return m; // another lcore's
	}
	void *room = NULL;
	if ((*dp.rte_mempool_ops_table).ops[q->mp->ops_index].dequeue(q->mp, &room, 1) == 0) {
		c = room;
		rte_pktmbuf_reset(c);
		uint32_t off = 0;
		char *to = rte_pktmbuf_append(c, m->pkt_len > UINT16_MAX ? UINT16_MAX : (uint16_t)m->pkt_len);
		for (struct rte_mbuf *s = m; to != NULL && s != NULL; s = s->next) {
			memcpy(to + off, rte_pktmbuf_mtod(s, char *), s->data_len);
			off += s->data_len;
		}
		c->ol_flags = m->ol_flags;
		c->vlan_tci = m->vlan_tci;
		c->hash = m->hash;
		if (to == NULL) {
			dp.rte_pktmbuf_free_bulk(&c, 1);
			c = NULL;
		}
	}
	dp.rte_pktmbuf_free_bulk(&m, 1);
	return c;
}

// hold notes that the driver has the frames, or that it has not; see dp_pool_reclaim.
static void hold(struct rte_mbuf **b, uint32_t n, uint32_t held)
{
	for (uint32_t i = 0; i < n; i++) {
		for (struct rte_mbuf *m = b[i]; m != NULL; m = m->next) {
			m->dynfield1[1] = held;
		}
	}
}

// sort_out keeps what is ours of a burst in which some buffers are not the queue's.
static uint32_t sort_out(struct dp_queue *q, struct rte_mbuf **b, uint32_t n, uint64_t *bytes)
{
	uint32_t kept = 0;
	*bytes = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = stranger(q, b[i]);
		if (m == NULL) {
			__atomic_store_n(&q->no_mbuf, q->no_mbuf + 1, __ATOMIC_RELAXED);
			continue;
		}
		*bytes += m->pkt_len;
		b[kept++] = m;
	}
	return kept;
}

// receive takes a burst from the device and counts it.
static inline uint32_t receive(struct dp_queue *q, struct rte_mbuf **b, uint32_t n)
{
	const struct rte_eth_fp_ops *f = q->fast;
	uint32_t got = f->rx_pkt_burst(f->rxq.data[q->id], b, (uint16_t)n);
	q->hot = got > 0 && q->stack == NULL; // a call without the scheduler costs less than the stash
	if (got == 0) {
		return 0;
	}
	if (unlikely(q->track)) {
		hold(b, got, 0);
	}
	uint64_t bytes = 0, odd = 0;
	const struct rte_mempool *mp = q->mp;
#pragma GCC unroll 8
	for (uint32_t i = 0; i < got; i++) {
		bytes += b[i]->pkt_len;
	}
	for (uint32_t i = 0; i < got && unlikely(q->shared); i++) {
		odd |= (uint64_t)b[i]->pool ^ (uint64_t)mp;
	}
	uint32_t kept = got;
	if (unlikely(odd != 0)) {
		kept = sort_out(q, b, got, &bytes);
	}
	__atomic_store_n(&q->ipackets, q->ipackets + kept, __ATOMIC_RELAXED);
	__atomic_store_n(&q->ibytes, q->ibytes + bytes, __ATOMIC_RELAXED);
	return kept;
}

// dp_rx fills pkts with up to n frames. pkts is memory of Go's for the call.
uint32_t dp_rx(struct dp_queue *q, uint64_t *pkts, uint32_t n)
{
	if (!enter(q)) {
		return 0;
	}
	n = receive(q, (struct rte_mbuf **)(void *)pkts, n);
	leave(q);
	return n;
}

// lose frees frames that cannot be sent, and counts them.
static void lose(struct dp_queue *q, struct rte_mbuf **b, uint32_t n)
{
	dp.rte_pktmbuf_free_bulk(b, n);
	__atomic_store_n(&q->oerrors, q->oerrors + n, __ATOMIC_RELAXED);
}

// sum adds up 16-bit words as the Internet checksum does (RFC 1071).
static uint32_t sum(const uint8_t *p, uint32_t n, uint32_t s)
{
	for (uint32_t i = 0; i + 1 < n; i += 2) {
		s += (uint32_t)p[i] << 8 | p[i + 1];
	}
	return s;
}

// pseudo writes the sum of the pseudo header where a device expects it to segment:
// without the length, which differs from segment to segment. It may be done twice.
static bool pseudo(struct rte_mbuf *m)
{
	uint32_t need = m->l2_len + m->l3_len + 18; // up to TCP's checksum
	if (m->data_len < need || m->l3_len < 20) {
		return false;
	}
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);
	uint8_t *l4 = ip + m->l3_len;
	uint32_t s = 6; // TCP
	s = (m->ol_flags & RTE_MBUF_F_TX_IPV4) ? sum(ip + 12, 8, s) : sum(ip + 8, 32, s);
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	l4[16] = (uint8_t)(s >> 8);
	l4[17] = (uint8_t)s;
	return true;
}

// single makes one segment of a chain for a device that sends no chains.
static bool single(struct rte_mbuf *m)
{
	if (rte_pktmbuf_tailroom(m) < m->pkt_len - m->data_len) {
		return false;
	}
	struct rte_mbuf *rest = m->next;
	for (struct rte_mbuf *s = rest; s != NULL; s = s->next) {
		memcpy(rte_pktmbuf_mtod_offset(m, char *, m->data_len), rte_pktmbuf_mtod(s, char *), s->data_len);
		m->data_len += s->data_len;
	}
	m->next = NULL;
	rest->nb_segs = (uint16_t)(m->nb_segs - 1);
	m->nb_segs = 1;
	dp.rte_pktmbuf_free_bulk(&rest, 1);
	return true;
}

// fit makes m what the device can send; false: it cannot.
static bool fit(struct dp_queue *q, const struct rte_eth_fp_ops *f, struct rte_mbuf *m)
{
	bool cut = m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG);
	if (m->pkt_len == 0 || (m->pkt_len > q->limit && !cut)) {
		return false;
	}
	if (m->nb_segs > 1 && !q->port->multi_seg && !single(m)) {
		return false;
	}
	if (cut && !pseudo(m)) {
		return false;
	}
	if ((m->ol_flags & TX_WORK) && q->port->prepare) {
		return f->tx_pkt_prepare(f->txq.data[q->id], &m, 1) == 1;
	}
	return true;
}

// send_fit is a burst in which some frames want work, or cannot be sent at all.
// It returns how many it took; bytes loses those of frames that were not sent.
static uint32_t send_fit(struct dp_queue *q, struct rte_mbuf **b, uint32_t n, uint64_t *bytes)
{
	const struct rte_eth_fp_ops *f = q->fast;
	uint32_t done = 0, sent = 0;
	while (done < n) {
		uint32_t run = 0;
		while (done + run < n && fit(q, f, b[done + run])) {
			run++;
		}
		uint32_t k = run ? f->tx_pkt_burst(f->txq.data[q->id], b + done, (uint16_t)run) : 0;
		sent += k;
		done += k;
		if (k < run) {
			break;
		}
		if (done < n) {
			*bytes -= b[done]->pkt_len;
			lose(q, b + done, 1);
			done++;
		}
	}
	__atomic_store_n(&q->opackets, q->opackets + sent, __ATOMIC_RELAXED);
	return done;
}

// dp_tx sends the first frames of pkts and returns how many it took. Where a call
// costs much it receives while it is here, too, if there was something the last time:
// the next receive burst then costs no call.
uint32_t dp_tx(struct dp_queue *q, uint64_t *pkts, uint32_t n)
{
	struct rte_mbuf **b = (struct rte_mbuf **)(void *)pkts;
	bool open = enter(q);
	if (unlikely(!open || !__atomic_load_n(&q->port->up, __ATOMIC_RELAXED))) {
		dp_pool_mine = q->pool;
		lose(q, b, n);
		dp_pool_mine = NULL;
		if (open) {
			leave(q);
		}
		return n;
	}
	const struct rte_eth_fp_ops *f = q->fast;
	uint64_t bytes = 0, work = 0;
	uint64_t limit = q->limit;
	uint64_t fits = ~0ull;
#pragma GCC unroll 8
	for (uint32_t i = 0; i < n; i++) {
		uint64_t less = b[i]->pkt_len - 1; // of no bytes at all: more than any limit
		bytes += less;
		fits &= less - limit; // the highest bit stays while all are below
	}
	bytes += n;
	work = ~fits >> 63;
	for (uint32_t i = 0; i < n && q->looks; i++) {
		work |= (b[i]->ol_flags & TX_WORK) | (q->port->multi_seg ? 0 : b[i]->nb_segs - 1u);
	}
	uint32_t took;
	if (unlikely(q->track)) {
		hold(b, n, 1);
	}
	if (likely(work == 0)) {
		took = f->tx_pkt_burst(f->txq.data[q->id], b, (uint16_t)n);
		__atomic_store_n(&q->opackets, q->opackets + took, __ATOMIC_RELAXED);
	} else {
		took = send_fit(q, b, n, &bytes);
	}
	if (unlikely(q->track)) {
		hold(b + took, n - took, 0);
	}
	for (uint32_t i = took; i < n; i++) {
		bytes -= b[i]->pkt_len;
	}
	__atomic_store_n(&q->obytes, q->obytes + bytes, __ATOMIC_RELAXED);
	if (q->hot && q->stash_n == 0) {
		q->stash_at = 0;
		q->stash_n = receive(q, (struct rte_mbuf **)(void *)q->stash, 32);
	}
	leave(q);
	return took;
}
