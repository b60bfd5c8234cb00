// Command bench measures the plane beside gVisor's netstack: the same work, in
// the same run, on the same CPU, in interleaved blocks A B B A.
//
//	go run . -quick         about a minute and a half
//	go run .                longer windows, more blocks
//	go run . -row udp -cpuprofile cpu.out -only plane
//
// The process starts itself again twice: once pinned to one CPU (GOMAXPROCS=1)
// and, where it is root, inside a network namespace of its own; and once as the
// kernel's side of the TAP rows, pinned to another CPU. Nothing outside of the
// namespace is changed.
//
// A figure is CPU time of the whole process for one operation, both ends
// included where both are in the process. A ratio is the median of the ratios
// of the blocks; ratios of medians would compare the neighbours' load.
package main
