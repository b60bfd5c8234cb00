// Package packet is AF_PACKET: sockets that see the frames of the plane's ports, as they
// come in and as they go out, and that send frames of their own. Layer is one lcore's part
// of it and runs there; Family and its operations run on the application's goroutine.
//
// Frames are looked at twice: behind the port's receive, before they are steered to the
// lcore that owns their flow, and before the port's transmit. So every frame is seen
// exactly once in each direction, whichever lcores have to do with it. While no packet
// socket wants frames, that costs one comparison per burst.
//
// A socket has a part on every lcore. What a part takes in it copies into its own ring,
// head and frame, where the application reads it; a frame that finds no room is counted
// and missed.
package packet
