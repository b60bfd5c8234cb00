//go:build !dpdk

package dpdk

import (
	"errors"

	"dataplane/pmd"
)

// errNotBuilt is all that a program without DPDK can say.
var errNotBuilt = errors.New("this program was built without DPDK: build it with `go build -tags dpdk` (needs libdpdk-dev) or `make static`")

func init() {
	pmd.Register("dpdk", func(_ string, opt pmd.Options) (pmd.Port, error) {
		if _, err := parseOptions(opt.Extra); err != nil {
			return nil, err
		}
		return nil, errNotBuilt
	})
}

// Init starts EAL. This program was built without it.
func Init(e EAL) error {
	if err := e.Check(); err != nil {
		return err
	}
	return errNotBuilt
}
