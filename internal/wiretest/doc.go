// Package wiretest is a vocabulary for protocol tests: send a frame, expect a
// frame, let time pass. It runs one lcore's whole stack, as a plane would, in
// virtual time on a port that the test holds the far end of:
//
//	w := wiretest.New(t, wiretest.Config{})
//	app := w.Listen(80, 8)
//	f := w.Flow(80, 40000)
//	f.Send(Seg{Flags: tcp.SYN, MSS: 1460})
//	f.Expect(Seg{Flags: tcp.SYN | tcp.ACK, MSS: 1460})
//	f.Send(Seg{})
//	c := app.Accept()
//
// Sequence numbers are relative and count from the sender's SYN; fields that a
// test leaves out take the values of the flow's template. Frames are written
// and read by gopacket, as an independent judge, and every frame the stack
// sends is checked (lengths, addresses, checksums) before the test sees it.
// The application's side is played without goroutines: a step does what a
// call on a socket would do and returns at once.
//
// Everything runs on the test's goroutine. When the test ends the stack is
// closed: every buffer must be back, and every received frame accounted for.
package wiretest
