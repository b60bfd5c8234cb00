// Package netlink is AF_NETLINK: sockets by which programs ask the plane about its
// links, addresses, routes, neighbours and sockets, change them, and hear of changes, in
// Linux's wire format. Where Linux has the kernel at port 0, here is the plane.
//
// It runs on the goroutines that send and receive. No lcore touches it; what only an
// lcore knows is asked for through Plane.
package netlink
