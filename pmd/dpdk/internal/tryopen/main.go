// Command tryopen opens a device by the driver "dpdk" and says what became of it:
// for tests that need a program in which nothing else links libdpdk.
package main

import (
	"fmt"
	"os"

	"dataplane/pmd"
	_ "dataplane/pmd/dpdk"
)

func main() {
	p, err := pmd.Open("dpdk", os.Args[1], pmd.Options{Extra: map[string]string{"huge": "no"}})
	if err == nil {
		err = p.Close()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("opened")
}
