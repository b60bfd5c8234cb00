// Package gen is a port with clients behind it that cost next to nothing: frames are
// built before, a queue has flows of its own, and what the plane answers is looked at
// where it is sent. Each lcore steps the clients of its own queue, so that nothing
// is shared. For measurements and tests; not part of the product.
package gen
