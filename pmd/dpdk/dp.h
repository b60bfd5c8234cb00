//go:build dpdk

// The C half of the driver as Go sees it: what DPDK gives only as C, one call for
// each burst.
#ifndef DP_H
#define DP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rte_mempool;
struct rte_device;

int dp_load(char *err, size_t len);

int dp_eal_start(int argc, char **argv);
int dp_eal_join(void);
int dp_eal_probe(const char *devargs);
int dp_eal_cpus(uint8_t *map, int len);
size_t dp_log_take(char *to, size_t len);
void dp_log_tee(int on);

// dp_pool is one lcore's pool: a mempool whose store is the stack of Go's Pool.
//
// The owner's thread, which says so in dp_pool_mine, pushes to and pops from the
// stack; all others use the side list, under its lock, and the owner fetches from
// it in housekeeping.
struct dp_pool {
	struct rte_mempool *mp;
	void **free;         // the *top first are free
	int64_t *top;        // Go's count; &own_top before Go has it
	const void *control; // owner while lcores do not run; written by them
	int64_t own_top;
	uint32_t size;

	pthread_spinlock_t lock; // over what follows
	uint32_t side_n;
	uint32_t hold; // a device that restarts will want side's buffers back
	void **side;

	bool track; // buffers that a driver holds are marked, see dp_pool_reclaim
	struct rte_mempool *from; // an adopted pool's elements return there
};

struct dp_pool *dp_pool_new(const char *name, uint32_t count, uint16_t room, bool huge, int *err);
uint32_t dp_pool_take(struct dp_pool *p, uint64_t *to, uint32_t max);
void dp_pool_free(struct dp_pool *p);
struct dp_pool *dp_pool_adopt(const char *name, void *from, uint32_t count, int *err);
void dp_pool_return(struct dp_pool *p);

#define DP_STASH 64
#define DP_QUEUES 64
#define DP_TABLE 128 // groups of flows, as the lcores have them

struct dp_port;

// dp_queue is a receive and a transmit queue. Its lcore writes it.
struct dp_queue {
	struct dp_port *port;
	struct dp_pool *pool;
	struct rte_mempool *mp;
	const void *fast; // ethdev's functions for bursts: struct rte_eth_fp_ops
	void *stack; // for calls that the scheduler is not told of
	uint16_t id;
	uint16_t hot;   // the last receive burst brought something
	uint32_t limit; // longest frame
	int busy;       // a burst is under way
	bool looks;     // frames to send may want work before
	bool track;     // as the pool
	bool shared;    // buffers that are not ours may come

	uint32_t stash_at, stash_n; // frames received along with a transmit burst
	uint64_t stash[DP_STASH];

	uint64_t ipackets, ibytes, no_mbuf, opackets, obytes, oerrors, resets;
} __attribute__((aligned(64)));

// dp_port is a port. Flags are written by whom they name.
struct dp_port {
	uint16_t id;
	uint16_t queues;
	int hold;       // queues keep off the device; the control goroutine
	int up;         // the link is up; the watching goroutine
	int gone;       // the device was removed; EAL's interrupt thread
	int want_reset; // the device asks for a reset; EAL's interrupt thread
	int changed;    // the link changed; EAL's interrupt thread
	bool multi_seg, prepare;
	struct rte_device *device;
	struct dp_queue *q;
};

// dp_caps is what a device can do.
struct dp_caps {
	char driver[32];
	uint8_t mac[6];
	uint16_t mtu, min_mtu, max_mtu, rx_queues, tx_queues, reta, key;
	uint16_t conf_rx, conf_tx; // queues that are configured
	uint64_t rx, tx, rss;
	uint64_t conf_rx_off, conf_tx_off;
	uint32_t max_frame;
	int socket;
	bool pci, no_lsc;
};

// dp_conf is what is asked of it.
struct dp_conf {
	uint16_t queues, rxd, txd, mtu;
	uint64_t rx, tx, rss;
	uint16_t reta, key;
	bool promisc, allmulti, set_mac, keep;
	uint8_t mac[6];
	uint8_t table[DP_TABLE]; // the queue of each group of flows
};

// dp_link is the state of a link.
struct dp_link {
	uint32_t mbps;
	int up, full;
};

// dp_stats is what a queue, or the device, has counted.
struct dp_stats {
	uint64_t ipackets, ibytes, opackets, obytes, imissed, ierrors, oerrors, no_mbuf;
};

// dp_name is the name of a counter: struct rte_eth_xstat_name.
struct dp_name {
	char name[64];
};

struct dp_port *dp_port_new(uint16_t id, uint16_t queues);
void dp_port_free(struct dp_port *p);
int dp_port_adopt(uint16_t id);
int dp_port_return(struct dp_port *p, const struct dp_conf *c, void *mempool);
int dp_port_find(const char *name);
int dp_port_caps(uint16_t id, struct dp_caps *c);
int dp_port_configure(struct dp_port *p, const struct dp_conf *c);
int dp_port_start(struct dp_port *p, struct dp_conf *c, const char **step);
int dp_port_stop(struct dp_port *p, bool drain);
int dp_port_close(struct dp_port *p, bool remove);
int dp_port_restart(struct dp_port *p, struct dp_conf *c, const char **step);
int dp_port_listen(struct dp_port *p, struct dp_conf *c);
int dp_port_redirect(struct dp_port *p, struct dp_conf *c, const uint8_t *table);
void dp_port_link(struct dp_port *p, struct dp_link *l);
void dp_port_stats(struct dp_port *p, struct dp_stats *s, bool device);
int dp_port_xstats(struct dp_port *p, struct dp_name *names, uint64_t *values, unsigned int n);

uintptr_t dp_queue_stack(struct dp_queue *q);
uintptr_t dp_function(int tx);
uint32_t dp_rx(struct dp_queue *q, uint64_t *pkts, uint32_t n);
uint32_t dp_tx(struct dp_queue *q, uint64_t *pkts, uint32_t n);

#endif
