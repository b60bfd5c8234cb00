package cli

import (
	"log/slog"

	"dataplane/cmd/dataplane/config"
	"dataplane/cmd/dataplane/control"
)

// services is what a running plane offers to other commands, by name.
func services(_ *config.Plane) map[string]control.Handler {
	return map[string]control.Handler{}
}

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
