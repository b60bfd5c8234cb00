//go:build dpdk && static

package dpdk

// Everything is linked, and every driver's constructor kept: CGO_LDFLAGS_ALLOW must
// admit -Wl,--(no-)?whole-archive. pkg-config --static would name hundreds.

// #cgo CFLAGS: -O3 -ftls-model=initial-exec -DDP_STATIC -I/usr/include/dpdk -I/usr/include/x86_64-linux-gnu/dpdk -include rte_config.h -march=corei7
// #cgo LDFLAGS: -Wl,--whole-archive -l:librte_bus_pci.a -l:librte_bus_vdev.a -l:librte_mempool_ring.a
// #cgo LDFLAGS: -l:librte_net_e1000.a -l:librte_net_ixgbe.a -l:librte_net_virtio.a
// #cgo LDFLAGS: -l:librte_net_af_packet.a -l:librte_net_af_xdp.a -l:librte_net_memif.a -l:librte_net_null.a -l:librte_net_ring.a -l:librte_net_tap.a
// #cgo LDFLAGS: -l:librte_ethdev.a -l:librte_eal.a -Wl,--no-whole-archive
// #cgo LDFLAGS: -l:librte_gso.a -l:librte_ip_frag.a -l:librte_security.a -l:librte_cryptodev.a -l:librte_hash.a -l:librte_timer.a
// #cgo LDFLAGS: -l:librte_pci.a -l:librte_meter.a -l:librte_net.a -l:librte_mbuf.a -l:librte_mempool.a -l:librte_rcu.a
// #cgo LDFLAGS: -l:librte_ring.a -l:librte_telemetry.a -l:librte_kvargs.a
// #cgo LDFLAGS: -lxdp -lbpf -lelf -lz -lnuma -lbsd -lmd -lm -ldl -lpthread
import "C"
