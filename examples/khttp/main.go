// Command khttp is a web server inside the plane: requests are answered on the
// lcore that receives them, by callbacks. As root:
//
//	go run ./examples/khttp &
//	curl http://10.9.0.2/ http://10.9.0.2/me
package main

import (
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"dataplane/api"
	"dataplane/examples/khttp/responder"
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
	r := responder.New(map[string]string{"/": "hello from the lcore, no goroutine served this\n"})
	r.Func("/me", func(b []byte, s *api.Inside) []byte {
		return fmt.Appendf(b, "you are %v, and this is lcore %d\n", s.RemoteAddr(), s.Lcore())
	})
	go l.(*api.TCPListener).ServeHandler(r.Accept) //nolint:errcheck // until the plane is closed
	<-stop
	if err := plane.Close(); err != nil {
		log.Fatal(err)
	}
}
