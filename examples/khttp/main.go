// Command khttp is a web server inside the plane: requests are answered on the
// lcore that receives them, by callbacks. As root:
//
//	go run ./examples/khttp &
//	curl http://10.9.0.2/
package main

import (
	"log"
	"net/netip"

	"dataplane/api"
	"dataplane/examples/khttp/responder"
)

func main() {
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
	r := responder.New(map[string]string{"/": "hello from the lcore, no goroutine served this\n"})
	log.Fatal(l.(*api.TCPListener).ServeHandler(r.Accept))
}
