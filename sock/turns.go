package sock

// Turns lets a goroutine that asks an lcore for something take its turn, where both
// share a P.
type Turns interface {
	// Enter gives the caller the right to the lcore's next turn, if he may have it just
	// now: until Leave, which he must call, he is the lcore.
	Enter() bool
	// Leave takes that turn and gives the right back.
	Leave()
	// Meanwhile takes turns on the goroutine of a task that waits, until *over. It may
	// return before that, or at once.
	Meanwhile(over *bool)
}

// ask asks c, where sk lives, for bits. A goroutine that may take the lcore's turn brings
// sk with it, and needs no mailbox: true says that it must take the turn (Turns.Leave),
// with as few calls on its stack as can be.
func (c *Core) ask(sk *Sock, bits uint32) bool {
	if c.turns == nil || !c.turns.Enter() {
		if sk.ask(bits) {
			c.post(sk)
		}
		return false
	}
	if sk.Core() == c && sk.req.Load() == 0 {
		c.guest, c.wants = sk, bits
	} else if sk.ask(bits) { // it has moved; or what was asked for before comes first
		sk.Core().post(sk)
	}
	return true
}
