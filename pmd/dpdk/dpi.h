//go:build dpdk

// What the C files share beyond dp.h: DPDK itself. Go does not see this, as cgo
// takes half a minute to read it.
#ifndef DPI_H
#define DPI_H

#define ALLOW_EXPERIMENTAL_API // rte_eth_dev_conf_get: in every release since 21.11

#include <rte_config.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>

#include "dp.h"

// Every function of libdpdk that the driver calls. They are reached by pointers,
// which a static program fills at once and a shared one with dlopen, so that a
// program without libdpdk still starts and can say so (load.c).
#define DP_FUNCTIONS(X)                                                      \
	X(rte_eal_init) X(rte_openlog_stream) X(rte_strerror)                    \
	X(rte_eal_get_runtime_dir)                                               \
	X(rte_thread_register) X(rte_thread_unregister) X(rte_eal_iova_mode)     \
	X(rte_dev_probe) X(rte_dev_remove) X(rte_dev_bus) X(rte_bus_name)         \
	X(rte_eth_dev_get_port_by_name) X(rte_eth_dev_get_name_by_port)          \
	X(rte_eth_dev_is_valid_port) X(rte_eth_dev_socket_id)                    \
	X(rte_eth_dev_info_get) X(rte_eth_dev_conf_get) X(rte_eth_dev_configure) \
	X(rte_eth_dev_adjust_nb_rx_tx_desc)                                      \
	X(rte_eth_rx_queue_setup) X(rte_eth_tx_queue_setup)                      \
	X(rte_eth_dev_start) X(rte_eth_dev_stop) X(rte_eth_dev_close)            \
	X(rte_eth_dev_reset) X(rte_eth_link_get_nowait)                          \
	X(rte_eth_stats_get) X(rte_eth_stats_reset)                              \
	X(rte_eth_xstats_get) X(rte_eth_xstats_get_names)                        \
	X(rte_eth_promiscuous_enable) X(rte_eth_promiscuous_disable)             \
	X(rte_eth_allmulticast_enable) X(rte_eth_allmulticast_disable)           \
	X(rte_eth_macaddr_get) X(rte_eth_dev_default_mac_addr_set)               \
	X(rte_eth_dev_get_mtu) X(rte_eth_dev_rss_reta_update)                    \
	X(rte_eth_dev_callback_register) X(rte_eth_dev_callback_unregister)      \
	X(rte_mempool_register_ops) X(rte_mempool_set_ops_byname)                \
	X(rte_mempool_create_empty) X(rte_mempool_obj_iter) X(rte_mempool_free)  \
	X(rte_mempool_populate_default) X(rte_pktmbuf_pool_init)                 \
	X(rte_pktmbuf_init) X(rte_pktmbuf_free_bulk)                             \
	X(rte_mbuf_dynfield_register_offset)

// Its variables, the same way.
#define DP_VARIABLES(X) X(rte_eth_fp_ops) X(rte_mempool_ops_table)

struct dp_api {
#define DP_MEMBER(f) __typeof__(f) *f;
	DP_FUNCTIONS(DP_MEMBER)
	DP_VARIABLES(DP_MEMBER)
#undef DP_MEMBER
};
extern struct dp_api dp;

extern __thread struct dp_pool *dp_pool_mine;
extern __thread const void *dp_control;

int dp_errno(void);
int dp_pool_init(void);
void dp_pool_reclaim(struct dp_pool *p);
void dp_pool_hold(struct dp_pool *p, int on);
void dp_port_own(struct dp_port *p, bool on);
bool dp_stop_queues(struct dp_port *p);
void dp_go_queues(struct dp_port *p);

#endif
