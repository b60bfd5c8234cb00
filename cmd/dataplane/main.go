// Command dataplane runs a TCP/IP stack in user space: see package cli.
package main

import (
	"os"

	"go.uber.org/automaxprocs/maxprocs"

	"dataplane/cmd/dataplane/cli"
)

func main() {
	// GOMAXPROCS follows the CPU quota of the cgroup, silently: lcores and the
	// goroutines beside them must fit in it. Without cgroups it stays as it is.
	_, _ = maxprocs.Set()
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
