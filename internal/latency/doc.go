// Package latency measures how long an echo takes, and shows it.
//
// In the open loop requests leave by a schedule, whatever the answers do, and a
// latency is counted from the moment a request was meant to leave. So a stall shows
// in every request that it delayed, as it does for a user (a closed loop asks less
// often while the other side is slow, and so hides the worst: "coordinated
// omission"). The closed loop is there, too; what it measures is called service time.
//
// It runs on goroutines of the application, or on an lcore as resident tasks: see
// Place. It knows connections as net.Conn only.
package latency
