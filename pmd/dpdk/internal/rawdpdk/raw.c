//go:build dpdk && !static

#define _GNU_SOURCE
#include <sched.h>
#include <string.h>
#include <time.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "raw.h"

int raw_start(int argc, char **argv)
{
	cpu_set_t set;
	sched_getaffinity(0, sizeof(set), &set);
	int err = rte_eal_init(argc, argv) < 0 ? rte_errno : 0;
	sched_setaffinity(0, sizeof(set), &set);
	return err;
}

void *raw_pool(const char *name, unsigned int n)
{
	return rte_pktmbuf_pool_create(name, n, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
}

unsigned int raw_free(void *mp) { return rte_mempool_avail_count(mp); }

int raw_port(const char *device, void *mp)
{
	struct rte_eth_conf conf;
	char name[64];
	uint16_t id;
	memset(&conf, 0, sizeof(conf));
	int err = rte_dev_probe(device);
	if (err < 0) {
		return err;
	}
	size_t n = strcspn(device, ",");
	memcpy(name, device, n);
	name[n] = 0;
	if ((err = rte_eth_dev_get_port_by_name(name, &id)) < 0 ||
	    (err = rte_eth_dev_configure(id, 1, 1, &conf)) < 0 ||
	    (err = rte_eth_rx_queue_setup(id, 0, 512, SOCKET_ID_ANY, NULL, mp)) < 0 ||
	    (err = rte_eth_tx_queue_setup(id, 0, 512, SOCKET_ID_ANY, NULL)) < 0 ||
	    (err = rte_eth_dev_start(id)) < 0) {
		return err;
	}
	return id;
}

int raw_restart(uint16_t id) { return -rte_eth_dev_start(id); }

void raw_close(uint16_t id)
{
	rte_eth_dev_stop(id);
	rte_eth_dev_close(id);
}

int raw_send(uint16_t id, void *mp, int n, int size)
{
	int sent = 0;
	for (int i = 0; i < n; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(mp);
		if (m == NULL) {
			break;
		}
		memset(rte_pktmbuf_append(m, (uint16_t)size), i, (size_t)size);
		if (rte_eth_tx_burst(id, 0, &m, 1) != 1) {
			rte_pktmbuf_free(m);
			break;
		}
		sent++;
	}
	return sent;
}

// raw_now is the CPU time of the calling thread: what others do does not count.
uint64_t raw_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t raw_loop(uint16_t id, uint64_t rounds, uint64_t *frames)
{
	struct rte_mbuf *b[32];
	uint64_t moved = 0, from = raw_now();
	for (uint64_t i = 0; i < rounds; i++) {
		uint16_t n = rte_eth_rx_burst(id, 0, b, 32);
		uint16_t k = rte_eth_tx_burst(id, 0, b, n);
		for (uint16_t j = k; j < n; j++) {
			rte_pktmbuf_free(b[j]);
		}
		moved += k;
	}
	*frames = moved;
	return raw_now() - from;
}
