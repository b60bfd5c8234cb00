//go:build dpdk

package dpdk

// adopted is how another binding had the port.
type adopted struct{}

func (a *adopted) restore(*Port) error { return nil }
