//go:build dpdk

// Ports: what a device can do, starting, stopping, counters.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dpi.h"

// dp_port_new returns a port with its queues, outside of the Go heap.
struct dp_port *dp_port_new(uint16_t id, uint16_t queues)
{
	struct dp_port *p = calloc(1, sizeof(*p));
	size_t size = queues * sizeof(struct dp_queue);
	if (p == NULL || (p->q = aligned_alloc(RTE_CACHE_LINE_SIZE, size)) == NULL) {
		free(p);
		return NULL;
	}
	memset(p->q, 0, size);
	p->id = id;
	p->queues = queues;
	p->hold = 1; // nothing moves before the start
	for (uint16_t i = 0; i < queues; i++) {
		p->q[i].port = p;
		p->q[i].id = i;
		p->q[i].fast = &(*dp.rte_eth_fp_ops)[id];
	}
	return p;
}

#define STACK (256 << 10)
#define GUARD 4096

// dp_queue_stack makes the stack that the queue's bursts run on, and returns where
// it begins; 0: there is no memory for it. Below it lies a page that faults.
uintptr_t dp_queue_stack(struct dp_queue *q)
{
	char *s = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (s == MAP_FAILED) {
		return 0;
	}
	(void)mprotect(s, GUARD, PROT_NONE);
	q->stack = s;
	return (uintptr_t)s + GUARD + STACK - 256;
}

// dp_function is the address of a burst function.
uintptr_t dp_function(int tx) { return tx ? (uintptr_t)dp_tx : (uintptr_t)dp_rx; }

void dp_port_free(struct dp_port *p)
{
	for (uint16_t i = 0; i < p->queues; i++) {
		if (p->q[i].stack != NULL) {
			munmap(p->q[i].stack, GUARD + STACK);
		}
	}
	free(p->q);
	free(p);
}

// dp_port_find returns the port of a device; -1: it has none.
int dp_port_find(const char *name)
{
	uint16_t id;
	return dp.rte_eth_dev_get_port_by_name(name, &id) == 0 ? id : -1;
}

// dp_port_caps says what the device can do; 0 or an errno.
int dp_port_caps(uint16_t id, struct dp_caps *c)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	struct rte_ether_addr mac;
	memset(c, 0, sizeof(*c));
	int err = dp.rte_eth_dev_info_get(id, &info);
	if (err != 0) {
		return -err;
	}
	strncpy(c->driver, info.driver_name ? info.driver_name : "", sizeof(c->driver) - 1);
	if (dp.rte_eth_macaddr_get(id, &mac) == 0) {
		memcpy(c->mac, mac.addr_bytes, sizeof(c->mac));
	}
	dp.rte_eth_dev_get_mtu(id, &c->mtu);
	c->min_mtu = info.min_mtu;
	c->max_mtu = info.max_mtu;
	c->rx_queues = info.max_rx_queues;
	c->tx_queues = info.max_tx_queues;
	c->conf_rx = info.nb_rx_queues;
	c->conf_tx = info.nb_tx_queues;
	c->reta = info.reta_size;
	c->key = info.hash_key_size;
	c->rx = info.rx_offload_capa;
	c->tx = info.tx_offload_capa;
	c->rss = info.flow_type_rss_offloads;
	c->max_frame = info.max_rx_pktlen;
	c->socket = dp.rte_eth_dev_socket_id(id);
	const struct rte_bus *bus = info.device ? dp.rte_dev_bus(info.device) : NULL;
	c->pci = bus != NULL && strcmp(dp.rte_bus_name(bus), "pci") == 0;
	if (info.nb_rx_queues > 0 && dp.rte_eth_dev_conf_get(id, &conf) == 0) {
		c->conf_rx_off = conf.rxmode.offloads;
		c->conf_tx_off = conf.txmode.offloads;
	}
	return 0;
}

// The plane's key: 0x6d5a repeated makes the hash symmetric.
static void fill_key(uint8_t *key, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		key[i] = i & 1 ? 0x5a : 0x6d;
	}
}

// dp_port_configure asks the device for what c says; 0 or an errno.
int dp_port_configure(struct dp_port *p, const struct dp_conf *c)
{
	struct rte_eth_conf conf;
	static uint8_t key[128]; // ethdev keeps the pointer, and drivers read it at start
	memset(&conf, 0, sizeof(conf));
	conf.rxmode.mtu = c->mtu;
	conf.rxmode.offloads = c->rx;
	conf.txmode.offloads = c->tx;
	if (c->rss != 0) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		fill_key(key, c->key);
		conf.rx_adv_conf.rss_conf.rss_key = key;
		conf.rx_adv_conf.rss_conf.rss_key_len = (uint8_t)c->key;
		conf.rx_adv_conf.rss_conf.rss_hf = c->rss;
	}
	return -dp.rte_eth_dev_configure(p->id, c->queues, c->queues, &conf);
}

// fill_reta spreads the hash over the queues as the lcores do: by c's table.
static int fill_reta(struct dp_port *p, const struct dp_conf *c)
{
	uint16_t size = c->reta;
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	memset(reta, 0, sizeof(reta));
	for (uint16_t i = 0; i < size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= 1ull << (i % RTE_ETH_RETA_GROUP_SIZE);
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = c->table[i % DP_TABLE];
	}
	return dp.rte_eth_dev_rss_reta_update(p->id, reta, size);
}

// dp_port_redirect changes the table of a running device; 0 or an errno, and then the old
// table stays. A table that is shorter than ours must mean the same to it.
int dp_port_redirect(struct dp_port *p, struct dp_conf *c, const uint8_t *table)
{
	uint8_t old[DP_TABLE];
	for (uint16_t i = 0; i < DP_TABLE; i++) {
		if (table[i] >= p->queues || c->reta == 0 || table[i] != table[i % c->reta]) {
			return EINVAL;
		}
	}
	memcpy(old, c->table, sizeof(old));
	memcpy(c->table, table, sizeof(old));
	int err = fill_reta(p, c);
	if (err != 0) {
		memcpy(c->table, old, sizeof(old));
		(void)fill_reta(p, c);
	}
	return -err;
}

// EAL's interrupt thread calls this. It only leaves a note: no Go here.
static int on_event(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct dp_port *p = arg;
	(void)id;
	(void)ret;
	int *flag = type == RTE_ETH_EVENT_INTR_RMV ? &p->gone
		: type == RTE_ETH_EVENT_INTR_RESET ? &p->want_reset : &p->changed;
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
	return 0;
}

static const enum rte_eth_event_type events[] = {
	RTE_ETH_EVENT_INTR_RMV, RTE_ETH_EVENT_INTR_RESET, RTE_ETH_EVENT_INTR_LSC,
};

static int setup_queues(struct dp_port *p, struct dp_conf *c, const char **step)
{
	int err = 0;
	int socket = dp.rte_eth_dev_socket_id(p->id);
	for (uint16_t i = 0; i < p->queues && err == 0; i++) {
		*step = "receive queue";
		err = dp.rte_eth_rx_queue_setup(p->id, i, c->rxd, (unsigned int)socket, NULL, p->q[i].mp);
		if (err == 0) {
			*step = "transmit queue";
			err = dp.rte_eth_tx_queue_setup(p->id, i, c->txd, (unsigned int)socket, NULL);
		}
	}
	return err;
}

// dp_port_listen lets the device hand up what c says; 0 or an errno. Virtual devices know
// neither, and need neither.
int dp_port_listen(struct dp_port *p, struct dp_conf *c)
{
	int err = c->promisc ? dp.rte_eth_promiscuous_enable(p->id) : dp.rte_eth_promiscuous_disable(p->id);
	int groups = c->allmulti ? dp.rte_eth_allmulticast_enable(p->id) : dp.rte_eth_allmulticast_disable(p->id);
	if (err == 0 || err == -ENOTSUP) {
		err = groups;
	}
	return err == -ENOTSUP ? 0 : -err;
}

// settle sets what the device forgets when it is stopped or reset.
static int settle(struct dp_port *p, struct dp_conf *c, const char **step)
{
	int err = 0;
	if (c->set_mac) {
		struct rte_ether_addr mac;
		memcpy(mac.addr_bytes, c->mac, sizeof(mac.addr_bytes));
		*step = "station address";
		err = dp.rte_eth_dev_default_mac_addr_set(p->id, &mac);
		if (err == -ENOTSUP) { // receive everything, then: the stack looks at addresses
			err = 0;
			c->promisc = true;
		}
	}
	if (err == 0 && c->reta != 0) {
		*step = "RSS table";
		err = fill_reta(p, c);
	}
	if (err == 0 && !c->keep) {
		(void)dp_port_listen(p, c);
	}
	return err;
}

// dp_port_own lets this thread, or nobody, work on the stacks of the port's pools.
void dp_port_own(struct dp_port *p, bool on)
{
	dp_control = on ? p : NULL;
	for (uint16_t i = 0; i < p->queues; i++) {
		if (p->q[i].pool != NULL) {
			p->q[i].pool->control = on ? p : NULL;
		}
	}
}

// dp_port_start starts the device with the queues' pools, which the caller owns.
// It returns 0, or an errno and the step that failed.
int dp_port_start(struct dp_port *p, struct dp_conf *c, const char **step)
{
	struct rte_eth_dev_info info;
	dp_port_own(p, true);
	*step = "queues";
	(void)dp.rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &c->rxd, &c->txd);
	int err = setup_queues(p, c, step);
	if (err == 0) {
		*step = "start";
		err = dp.rte_eth_dev_start(p->id);
	}
	if (err == 0 && (err = settle(p, c, step)) != 0) {
		dp.rte_eth_dev_stop(p->id);
	}
	dp_port_own(p, false);
	if (err != 0) {
		return -err;
	}
	if (dp.rte_eth_dev_info_get(p->id, &info) == 0) {
		p->device = info.device;
	}
	for (uint16_t i = 0; i < p->queues; i++) {
		p->q[i].shared = c->keep;
		p->q[i].looks = !p->multi_seg || (c->tx & ~RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0;
	}
	p->prepare = (*dp.rte_eth_fp_ops)[p->id].tx_pkt_prepare != NULL;
	for (size_t i = 0; i < RTE_DIM(events); i++) {
		dp.rte_eth_dev_callback_register(p->id, events[i], on_event, p);
	}
	dp.rte_eth_stats_reset(p->id);
	dp_go_queues(p);
	return 0;
}

// drain gives back what a device that is only memory still holds.
static void drain(struct dp_port *p)
{
	struct rte_mbuf *b[32];
	const struct rte_eth_fp_ops *f = &(*dp.rte_eth_fp_ops)[p->id];
	for (uint16_t i = 0; i < p->queues; i++) {
		uint16_t n, rounds = 0;
		while ((n = f->rx_pkt_burst(f->rxq.data[i], b, RTE_DIM(b))) > 0 && rounds++ < 1024) {
			dp.rte_pktmbuf_free_bulk(b, n);
		}
	}
}

// dp_port_stop stops the device; its buffers are home, or with it until the close.
// No lcore runs.
int dp_port_stop(struct dp_port *p, bool drained)
{
	dp_stop_queues(p);
	for (size_t i = 0; i < RTE_DIM(events); i++) {
		dp.rte_eth_dev_callback_unregister(p->id, events[i], on_event, p);
	}
	dp_port_own(p, true);
	for (uint16_t i = 0; i < p->queues; i++) {
		struct dp_queue *q = &p->q[i];
		struct rte_mbuf **b = (struct rte_mbuf **)(void *)q->stash;
		if (q->stash_n > 0) {
			dp.rte_pktmbuf_free_bulk(b + q->stash_at, q->stash_n);
			q->stash_n = 0;
		}
	}
	if (drained) {
		drain(p);
	}
	int err = dp.rte_eth_dev_stop(p->id);
	dp_port_own(p, false);
	return err == -ENOTSUP ? 0 : -err;
}

// dp_port_close gives the device back, and with remove takes it out of EAL.
int dp_port_close(struct dp_port *p, bool remove)
{
	struct rte_eth_dev_info info;
	struct rte_device *device = NULL;
	if (dp.rte_eth_dev_info_get(p->id, &info) == 0) {
		device = info.device;
	}
	dp_port_own(p, true);
	int err = dp.rte_eth_dev_close(p->id);
	if (remove && device != NULL) {
		int e = dp.rte_dev_remove(device);
		err = err != 0 ? err : e;
	}
	for (uint16_t i = 0; i < p->queues; i++) {
		if (p->q[i].pool != NULL) {
			dp_pool_reclaim(p->q[i].pool);
		}
	}
	dp_port_own(p, false);
	return -err;
}

// dp_port_restart resets a running device under its lcores, which go on and find it
// without frames meanwhile. The pools keep what comes back, for the new start.
int dp_port_restart(struct dp_port *p, struct dp_conf *c, const char **step)
{
	*step = "lcores";
	if (!dp_stop_queues(p)) {
		dp_go_queues(p);
		return EBUSY;
	}
	for (uint16_t i = 0; i < p->queues; i++) {
		dp_pool_hold(p->q[i].pool, 1);
	}
	*step = "stop";
	int err = dp.rte_eth_dev_stop(p->id);
	if (err == 0 && dp.rte_eth_dev_reset(p->id) == 0) {
		*step = "configure";
		err = -dp_port_configure(p, c);
		err = err != 0 ? err : setup_queues(p, c, step);
	}
	if (err == 0) {
		*step = "start";
		err = dp.rte_eth_dev_start(p->id);
	}
	if (err == 0) {
		err = settle(p, c, step);
	}
	for (uint16_t i = 0; i < p->queues; i++) {
		dp_pool_hold(p->q[i].pool, 0);
	}
	if (err == 0) {
		dp_go_queues(p);
	}
	return -err;
}
