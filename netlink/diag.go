package netlink

import "syscall"

func (r *request) diag() (func(*writer) bool, error) { return nil, syscall.EOPNOTSUPP }
