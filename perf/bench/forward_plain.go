//go:build !dpdk

package main

const builtWithDPDK = false

func openForwarder(vdevs) (*subject, error) {
	return nil, skipped("this program was built without DPDK: go run -tags dpdk . (needs libdpdk-dev)")
}
