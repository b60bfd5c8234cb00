// Command http is Go's net/http on a TCP/IP stack in user space. As root:
//
//	go run ./examples/http &
//	curl http://10.9.0.2/
package main

import (
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"dataplane/api"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	plane, err := api.Open(api.Config{Ports: []api.Port{{
		Driver:  "tap",
		Addrs:   []netip.Prefix{netip.MustParsePrefix("10.9.0.2/24")},
		Options: map[string]string{"host-addr": "10.9.0.1/24"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	l, err := plane.Listen("tcp", ":80")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s, no kernel served this\n", r.RemoteAddr)
	}))
	<-stop
	if err := plane.Close(); err != nil {
		log.Fatal(err)
	}
}
