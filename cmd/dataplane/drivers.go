package main

// The drivers beyond those that package api links itself.
import (
	_ "dataplane/pmd/afpacket"
	_ "dataplane/pmd/afxdp"
)
