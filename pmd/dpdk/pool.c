//go:build dpdk

// Mempools whose store is the stack of Go's pools.
#include <stdlib.h>
#include <string.h>

#include "dpi.h"

// Package mbuf lays out its Mbuf as 22.11 does; a test there has the other half.
#define AT(field, off) _Static_assert(offsetof(struct rte_mbuf, field) == off, #field)
_Static_assert(sizeof(struct rte_mbuf) == 128, "struct rte_mbuf");
AT(buf_addr, 0);
AT(buf_iova, 8);
AT(data_off, 16);
AT(refcnt, 18);
AT(nb_segs, 20);
AT(port, 22);
AT(ol_flags, 24);
AT(packet_type, 32);
AT(pkt_len, 36);
AT(data_len, 40);
AT(vlan_tci, 42);
AT(hash, 44);
AT(buf_len, 54);
AT(pool, 56);
AT(next, 64);
AT(tx_offload, 72);
AT(dynfield1, 92);
_Static_assert(RTE_PKTMBUF_HEADROOM == 128, "headroom");
_Static_assert(RTE_MBUF_F_RX_L4_CKSUM_GOOD == 1ull << 8 && RTE_MBUF_F_RX_LRO == 1ull << 16 &&
	RTE_MBUF_F_TX_TCP_SEG == 1ull << 50 && RTE_MBUF_F_TX_TCP_CKSUM == 1ull << 52 &&
	RTE_MBUF_F_TX_IP_CKSUM == 1ull << 54 && RTE_MBUF_F_TX_VLAN == 1ull << 57, "flags");

#define OPS_NAME "dataplane"

__thread struct dp_pool *dp_pool_mine; // the pool of the lcore that runs on this thread
__thread const void *dp_control;       // the port that this thread sets up or takes down

// mine reports whether the calling thread may work on the pool's stack.
static inline bool mine(const struct dp_pool *p)
{
	return p == dp_pool_mine || (dp_control != NULL && p->control == dp_control);
}

static int op_alloc(struct rte_mempool *mp)
{
	struct dp_pool *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		return -ENOMEM;
	}
	p->free = calloc(mp->size, sizeof(void *));
	p->side = calloc(mp->size, sizeof(void *));
	if (p->free == NULL || p->side == NULL) {
		free(p->free);
		free(p->side);
		free(p);
		return -ENOMEM;
	}
	pthread_spin_init(&p->lock, PTHREAD_PROCESS_PRIVATE);
	p->mp = mp;
	p->size = mp->size;
	p->top = &p->own_top;
	mp->pool_data = p;
	return 0;
}

static void op_free(struct rte_mempool *mp)
{
	struct dp_pool *p = mp->pool_data;
	if (p == NULL) {
		return;
	}
	free(p->free);
	free(p->side);
	free(p);
	mp->pool_data = NULL;
}

// mark notes whether a driver holds the buffers, in a field that nobody uses.
static void mark(void *const *objs, unsigned int n, uint32_t held)
{
	for (unsigned int i = 0; i < n; i++) {
		((struct rte_mbuf *)objs[i])->dynfield1[1] = held;
	}
}

static void reclaim(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct dp_pool *p = arg;
	struct rte_mbuf *m = obj;
	(void)mp;
	(void)i;
	if (m->dynfield1[1] != 0) {
		rte_mbuf_refcnt_set(m, 1);
		m->next = NULL;
		m->nb_segs = 1;
		m->dynfield1[1] = 0;
		p->free[(*p->top)++] = m;
	}
}

// dp_pool_reclaim takes the buffers back that a closed driver has forgotten: af_xdp
// leaves those in its rings behind. Called by the owner.
void dp_pool_reclaim(struct dp_pool *p)
{
	if (p->track) {
		dp.rte_mempool_obj_iter(p->mp, reclaim, p);
	}
}

// op_enqueue takes n buffers back: on the owner's thread to the stack.
static int op_enqueue(struct rte_mempool *mp, void *const *objs, unsigned int n)
{
	struct dp_pool *p = mp->pool_data;
	if (unlikely(p->track)) {
		mark(objs, n, 0);
	}
	if (likely(mine(p))) {
		int64_t top = *p->top;
		for (unsigned int i = 0; i < n; i++) {
			p->free[top + i] = objs[i];
		}
		*p->top = top + n;
		return 0;
	}
	pthread_spin_lock(&p->lock);
	memcpy(p->side + p->side_n, objs, n * sizeof(*objs));
	__atomic_store_n(&p->side_n, p->side_n + n, __ATOMIC_RELAXED);
	pthread_spin_unlock(&p->lock);
	return 0;
}

// op_dequeue returns n buffers or none, the last that came back first.
static int op_dequeue(struct rte_mempool *mp, void **objs, unsigned int n)
{
	struct dp_pool *p = mp->pool_data;
	if (likely(mine(p))) {
		int64_t top = *p->top;
		if (unlikely(top < n)) {
			return -ENOBUFS;
		}
		for (unsigned int i = 0; i < n; i++) {
			objs[i] = p->free[--top];
		}
		*p->top = top;
		if (unlikely(p->track)) {
			mark(objs, n, 1);
		}
		return 0;
	}
	int err = -ENOBUFS;
	pthread_spin_lock(&p->lock);
	if (p->side_n >= n) {
		__atomic_store_n(&p->side_n, p->side_n - n, __ATOMIC_RELAXED);
		memcpy(objs, p->side + p->side_n, n * sizeof(*objs));
		err = 0;
	}
	pthread_spin_unlock(&p->lock);
	return err;
}

static unsigned int op_count(const struct rte_mempool *mp)
{
	const struct dp_pool *p = mp->pool_data;
	return (unsigned int)*p->top + p->side_n;
}

static const struct rte_mempool_ops ops = {
	.name = OPS_NAME,
	.alloc = op_alloc,
	.free = op_free,
	.enqueue = op_enqueue,
	.dequeue = op_dequeue,
	.get_count = op_count,
};

// dp_pool_init makes the kind of mempool known and reserves the field that names
// a buffer's home, so that no driver uses it. 0 or an errno.
int dp_pool_init(void)
{
	static const struct rte_mbuf_dynfield home = {
		.name = "dataplane_home", .size = sizeof(uint32_t), .align = __alignof__(uint32_t),
	};
	int i = dp.rte_mempool_register_ops(&ops);
	if (i < 0) {
		return -i;
	}
	if (dp.rte_mbuf_dynfield_register_offset(&home, offsetof(struct rte_mbuf, dynfield1)) < 0) {
		return dp_errno();
	}
	return 0;
}

// dp_pool_new makes a pool with all its buffers on the stack, the first in memory on
// top; NULL: *err says why. Without hugepages device addresses are virtual ones, so
// buffers may cross pages: else each would take a page, and af_xdp, which reckons the
// memory by their size, would not find most of them.
struct dp_pool *dp_pool_new(const char *name, uint32_t count, uint16_t room, bool huge, int *err)
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = room };
	struct rte_mempool *mp = dp.rte_mempool_create_empty(name, count, sizeof(struct rte_mbuf) + room, 0,
		sizeof(priv), SOCKET_ID_ANY, huge ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (mp == NULL || dp.rte_mempool_set_ops_byname(mp, OPS_NAME, NULL) != 0) {
		*err = dp_errno();
		dp.rte_mempool_free(mp);
		return NULL;
	}
	dp.rte_pktmbuf_pool_init(mp, &priv);
	int n = dp.rte_mempool_populate_default(mp);
	if (n < 0) {
		*err = -n;
		dp.rte_mempool_free(mp);
		return NULL;
	}
	dp.rte_mempool_obj_iter(mp, dp.rte_pktmbuf_init, NULL);
	struct dp_pool *p = mp->pool_data;
	// Populating went through op_enqueue on a thread that is nobody's: by the side.
	for (uint32_t i = 0; i < p->side_n; i++) {
		p->free[i] = p->side[p->side_n - 1 - i];
	}
	p->own_top = p->side_n;
	p->side_n = 0;
	return p;
}

// dp_pool_take moves up to max buffers that other threads gave back to the owner.
uint32_t dp_pool_take(struct dp_pool *p, uint64_t *to, uint32_t max)
{
	pthread_spin_lock(&p->lock);
	uint32_t n = p->side_n < max ? p->side_n : max;
	if (p->hold) {
		n = 0;
	}
	__atomic_store_n(&p->side_n, p->side_n - n, __ATOMIC_RELAXED);
	memcpy(to, p->side + p->side_n, n * sizeof(*to));
	pthread_spin_unlock(&p->lock);
	return n;
}

// dp_pool_hold keeps what other threads give back for a device that restarts.
void dp_pool_hold(struct dp_pool *p, int on)
{
	pthread_spin_lock(&p->lock);
	p->hold += on ? 1 : -1;
	pthread_spin_unlock(&p->lock);
}

// dp_pool_free gives the memory back. Every buffer is home.
void dp_pool_free(struct dp_pool *p) { dp.rte_mempool_free(p->mp); }
