package sock

import "sync"

// Lock is Tasks.Lock with the tasks of c's plane.
func (c *Core) Lock(mu *sync.Mutex) { c.registry.Lock(mu) }
