#!/bin/sh
# Installs what the checks and the bench use beyond Go: compilers for -race, the
# real clients that talk to the plane, and DPDK's testpmd, which it is compared with.
# Without root it says what is missing; the tests and the bench's sides that need it
# then skip with their reason.
set -eu

missing=
need() { # package, file or command it brings
	command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}
PATH=$PATH:/usr/sbin:/sbin
need gcc gcc
need libc6-dev gcc
need iproute2 ip
need iputils-ping ping
need iputils-arping arping
need iputils-tracepath tracepath
need traceroute traceroute
need radvd radvd
need dnsmasq-base dnsmasq
need ipv6toolkit frag6
need thc-ipv6 atk6-denial6
need curl curl
need iperf3 iperf3
need netcat-openbsd nc
need nftables nft
need nmap nmap
need tcpdump tcpdump
need tshark tshark
need wrk wrk
# DPDK (the development package brings every library of its static link), and the
# emulated NICs. The package of QEMU brings the libraries of the NIC kit's newer one, too.
need pkg-config pkg-config
need dpdk-dev dpdk-testpmd
need qemu-system-x86 qemu-system-x86_64
[ -e "/usr/lib/$(uname -m)-linux-gnu/librte_eal.a" ] || missing="$missing libdpdk-dev"

[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: not installed:$missing (as root: apt-get install$missing)"
	exit 0
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
