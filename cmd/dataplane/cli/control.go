package cli

import (
	"log/slog"
	"net"
	"syscall"

	"dataplane/cmd/dataplane/capture"
	"dataplane/cmd/dataplane/config"
	"dataplane/cmd/dataplane/control"
)

// services is what a running plane offers to other commands, by name.
func services(pl *config.Plane) map[string]control.Handler {
	return map[string]control.Handler{
		"capture":            func(c net.Conn) { capture.Serve(pl.Net, c) },
		control.ServiceRoute: control.Netlink(pl.Net, syscall.NETLINK_ROUTE),
		control.ServiceDiag:  control.Netlink(pl.Net, sockDiag),
	}
}

// sockDiag is NETLINK_SOCK_DIAG, which package syscall knows by an older name.
const sockDiag = syscall.NETLINK_INET_DIAG

// listen lets other commands reach the plane. Where nobody has asked for it, a plane
// that cannot be reached (another one is at the default path, say) runs all the same.
func listen(plan *config.Plan, pl *config.Plane, log *slog.Logger) (*control.Server, error) {
	path := plan.Control
	switch path {
	case "none":
		return nil, nil
	case "":
		path = control.DefaultPath()
	}
	s, err := control.Listen(path, services(pl))
	if err != nil && plan.Control == "" {
		log.Info("other commands do not reach this plane", "err", err)
		return nil, nil
	}
	return s, err
}

// stop ends what listen started.
func stop(s *control.Server) error {
	if s == nil {
		return nil
	}
	return s.Close()
}
