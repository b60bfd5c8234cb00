// Command guest is process 1 of the machine that the NIC test boots. It mounts what
// DPDK wants, loads modules, binds the PCI network devices that no kernel driver
// has, and then does what it is told on its console, a line each:
//
//	serve NAME   run /dataplane serve -c /etc/NAME.yaml --stats
//	term         send it SIGTERM
//	reset        send it SIGHUP: it resets its ports
//	off          power off
//
// What it says begins with "guest: ". It answers "guest: ready" when it listens,
// and "guest: exit STATUS" when serve has ended. What serve prints begins with
// "serve: ", a line at a time, so that the kernel's messages do not tear it.
//
// One goroutine reads the console; each run of serve has two that copy its output.
package main
