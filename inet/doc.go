// Package inet is AF_INET: it joins the layers of each lcore into a Stack,
// binds (type, protocol) to both tables of operations (inetsw), and holds the
// application's side of stream and datagram sockets. It knows all layers and
// has no protocol logic.
//
// Stack runs on an lcore. Host, Ports and the operations in stream*.go and
// dgram*.go run on the application's goroutines; they reach an lcore only
// through sock.Core.Call, sock.Sock.Kick and the rings of a Sock.
package inet
