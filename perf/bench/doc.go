// Command bench measures the plane beside its peers: the same work, in the same
// run, on the same CPU, in interleaved blocks A B C C B A.
//
//	go run .                                all rows, under ten minutes; root adds those that need a namespace
//	go run . -quick                         the rows in memory, under a minute, without root
//	go run . -row 4a -time 20s              one row of the table (number or part of the name)
//	go run . -row 1 -only goroutine -cpuprofile cpu.out   a profile of one side; without the choice, of all
//
// Every row is measured by a process of its own, pinned to one CPU with
// GOMAXPROCS=1 unless the row says otherwise, and, where it is root, inside a
// network namespace that ends with it. Nothing outside of it is changed. A row
// that hangs is killed and reported.
//
// A figure is CPU time of the whole process for one operation, both ends
// included where both are in the process; what the kernel does in the process's
// system calls is in it, and with sides of the kernel's what ksoftirqd does on the same
// CPU meanwhile. A ratio is the median of the ratios of the blocks;
// ratios of medians would compare the neighbours' load. Rows may yield latency
// histograms and figures of their own (memory, gaps) as well, and a goal compares
// any two numbers.
//
// The results are a table on the terminal, report.json with every sample, and
// report.html, which needs no other file.
package main
