// Package quic shows that quic-go works on a plane at the speed of its fast path:
// batches, UDP_SEGMENT and ECN. It is a module of its own, so that quic-go is no
// dependency of the product.
package quic
