//go:build dpdk

// Ports and mempools that another binding in the process has made.
#include <string.h>

#include "dpi.h"

// flush empties a mempool's caches into its store: their lcores do not use it now.
static void flush(struct rte_mempool *mp)
{
	struct rte_mempool_ops *ops = &(*dp.rte_mempool_ops_table).ops[mp->ops_index];
	for (unsigned int i = 0; i < RTE_MAX_LCORE && mp->local_cache != NULL; i++) {
		struct rte_mempool_cache *c = &mp->local_cache[i];
		if (c->len > 0) {
			ops->enqueue(mp, c->objs, c->len);
			c->len = 0;
		}
	}
}

// dp_pool_adopt makes a pool of up to count of the free buffers of from, which lends
// them until dp_pool_return. The buffers say that they are of the new one, and so
// drivers give them back to it. NULL: *err says why.
struct dp_pool *dp_pool_adopt(const char *name, void *of, uint32_t count, int *err)
{
	struct rte_mempool *from = of;
	struct rte_mempool_ops *table = (*dp.rte_mempool_ops_table).ops;
	flush(from);
	uint32_t have = table[from->ops_index].get_count(from);
	if (have < count) {
		count = have;
	}
	*err = ENOBUFS;
	if (count == 0) {
		return NULL;
	}
	struct rte_mempool *mp = dp.rte_mempool_create_empty(name, count, from->elt_size, 0,
		from->private_data_size, from->socket_id, 0);
	if (mp == NULL || dp.rte_mempool_set_ops_byname(mp, "dataplane", NULL) != 0 ||
	    table[mp->ops_index].alloc(mp) != 0) {
		*err = dp_errno();
		if (mp != NULL) {
			dp.rte_mempool_free(mp);
		}
		return NULL;
	}
	mp->flags |= RTE_MEMPOOL_F_POOL_CREATED;
	memcpy(rte_mempool_get_priv(mp), rte_mempool_get_priv(from), from->private_data_size);
	mp->populated_size = count;
	mp->mem_list = from->mem_list; // af_xdp looks where the memory is
	mp->nb_mem_chunks = from->nb_mem_chunks;
	struct dp_pool *p = mp->pool_data;
	p->from = from;
	if (table[from->ops_index].dequeue(from, p->free, count) != 0) {
		dp_pool_return(p);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		((struct rte_mbuf *)p->free[i])->pool = mp;
	}
	p->own_top = count;
	return p;
}

// dp_pool_return gives the buffers of an adopted pool back to whom they belong.
void dp_pool_return(struct dp_pool *p)
{
	struct rte_mempool *mp = p->mp, *from = p->from;
	int64_t n = *p->top > 0 ? *p->top : p->own_top;
	for (int64_t i = 0; i < n; i++) {
		struct rte_mbuf *m = p->free[i];
		m->pool = from;
		m->dynfield1[0] = 0;
	}
	if (n > 0) {
		(*dp.rte_mempool_ops_table).ops[from->ops_index].enqueue(from, p->free, (unsigned int)n);
	}
	STAILQ_INIT(&mp->mem_list);
	mp->nb_mem_chunks = 0;
	dp.rte_mempool_free(mp);
}

// dp_port_adopt stops a port that another binding may have started, so that its
// queues can get other pools. 0 or an errno.
int dp_port_adopt(uint16_t id)
{
	if (!dp.rte_eth_dev_is_valid_port(id)) {
		return ENODEV;
	}
	int err = dp.rte_eth_dev_stop(id);
	return err == -ENOTSUP ? 0 : -err;
}

// dp_port_return gives the queues of a stopped port their owner's mempool back.
int dp_port_return(struct dp_port *p, const struct dp_conf *c, void *mempool)
{
	int err = 0;
	dp_port_own(p, true);
	for (uint16_t i = 0; i < p->queues && err == 0 && mempool != NULL; i++) {
		err = dp.rte_eth_rx_queue_setup(p->id, i, c->rxd, (unsigned int)dp.rte_eth_dev_socket_id(p->id), NULL, mempool);
	}
	dp_port_own(p, false);
	return -err;
}
