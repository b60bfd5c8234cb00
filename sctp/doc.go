// Package sctp adds SCTP (RFC 9260) to a plane, from outside: Register enters it in the
// plane's tables, as a module of Linux's does, and nothing in the plane knows of it. After
// that Posix.Socket makes sockets of AF_INET and AF_INET6 with IPPROTO_SCTP, SOCK_STREAM and
// SOCK_SEQPACKET, both with one association each.
//
// The associations are github.com/pion/sctp's. It speaks over a net.Conn that carries
// whole SCTP packets; here each association has one, told apart by addresses and ports.
// A packet's ports, checksum (CRC32c) and verification tag are this package's business. There is no
// multihoming: an association has one address at each end. Messages go on stream 0, or on
// the one that a control message names (SCTP_SNDINFO, SCTP_SNDRCV), of 256 at the most.
//
// On the lcore runs only a port: packets pass to and from the rings of a sock.Sock. One
// goroutine of the plane hands what has come to the associations, which have goroutines
// of pion's and one for each stream that is read.
package sctp
