// Package mbuf holds packet buffers: Mbuf, in the memory layout of DPDK 22.11's
// struct rte_mbuf and outside the Go heap, and Pool, one lcore's supply of them.
//
// A buffer has one owner. Doc comments here and in every package that handles
// buffers say which: a function that *takes* a buffer owns it from then on, one
// that *borrows* it gives it back when it returns, one that *returns* a buffer
// makes the caller its owner. A Pool belongs to one lcore; FreeAnywhere is the
// only function that any thread may call.
//
// Under the build tag mbufdebug freed buffers are filled with a pattern, and
// freeing twice or writing after the free panics with the last two owners.
package mbuf
