package main

// tapRows exchange with the kernel over a TAP device. The kernel's end runs in
// another process on another CPU, and is not in the figures.
func tapRows() []row {
	tap := func(name, what string, dir byte) row {
		return row{
			name: name, what: what, unit: "KiB",
			sides: []side{
				{name: "goroutine", plane: true, root: true, open: func() (*subject, error) { return planeTAP(dir) }},
				{name: "gvisor", root: true, open: func() (*subject, error) { return gvisorTAP(dir) }},
			},
			goals: []goal{{side: "goroutine", against: "gvisor", must: 1.5}},
			note:  "CPU time is that of our end, with the kernel's work in our system calls.",
		}
	}
	return []row{
		tap("tap-send", "TCP to the kernel over TAP, offloads", sendToServer),
		tap("tap-receive", "TCP from the kernel over TAP, offloads", readFromIt),
	}
}
