// Package unix is AF_UNIX inside one plane: streams, datagrams and sequenced packets
// between its sockets, with names in a space of the plane's own. Nothing of it is in a
// file system, and nothing leaves the process.
//
// Everything runs on the caller's goroutine, or in a resident task: these sockets have
// no lcore. What is on its way lies in a sock.Local at who will read it. Who is connected
// to whom, who has which name and who was shut down changes under one lock of the
// family; moving data takes none of it.
//
// The rules, and the errors, are those of Linux (net/unix/af_unix.c), as unix(7) tells
// them.
package unix
