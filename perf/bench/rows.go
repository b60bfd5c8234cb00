package main

import "slices"

// rows is the whole table. Each file of rows adds a line here.
func rows() []row {
	return slices.Concat(
		udpRows(),
		socketRows(),
		bulkRows(),
		sixRows(),
		connRows(),
		httpRows(),
		latencyRows(),
		lcoreRows(),
		modeRows(),
		tapRows(),
		echoRows(),
		forwardRows(),
	)
}
