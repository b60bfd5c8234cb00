// Package api is what applications import: Open starts a plane, and its Net
// gives out connections, listeners and packet connections that behave as those
// of package net, without a kernel under them.
//
// Everything here runs on the application's goroutines.
package api
