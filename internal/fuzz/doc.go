// Package fuzz holds the fuzz targets of the live state machine: whole stacks
// with open connections, fed with frames, application calls and time that the
// input spells. (Parsers have targets of their own, in their packages.) All of
// it is tests; one input runs on one goroutine, in virtual time, and always
// does the same.
package fuzz
