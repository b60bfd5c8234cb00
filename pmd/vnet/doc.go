// Package vnet is the virtio-net header in front of a frame, virtio 1.2 section
// 5.1.6, in the machine's byte order as TAP devices and packet sockets have it, and
// the vectors by which such a frame passes a system call without being copied
// together first. The drivers that have it share it; their lcores run it.
package vnet
