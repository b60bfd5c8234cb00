// Package sock is the socket layer without protocols: Socket faces the
// application, Sock faces one lcore, and the two meet only in the rings, the
// request bits and the wake-up words of a Sock.
//
// Names follow Linux: struct socket is Socket, struct sock is Sock, proto_ops
// (application side, runs on the goroutine) is ProtoOps, struct proto
// (transport side, runs on the lcore) is Proto, net_proto_family is
// NetProtoFamily. lock_sock and the backlog do not exist: a Sock belongs to
// one lcore, and everybody else sends that lcore a message.
package sock
