// Package socket carries operations from a command to the running server, through a Unix socket in
// the data directory.
//
// It speaks HTTP: POST /2/NAME, with the input as JSON on the first line of the body and the items,
// if any, after it. The response is a [reply]. If the operation writes bytes, the request says so
// in a header; then they are the body, and the reply is the trailer. The number in the path is the
// version of the protocol: a command and a server of different versions refuse each other with an
// error that says so.
package socket

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	prefix          = "/2/"           // of the path of an operation
	streams         = "Stile-Streams" // request header: the operation writes bytes
	trailer         = "Stile-Answer"
	maxInput        = 32 << 20 // bytes: a file of synonyms of which every character is escaped
	responseTimeout = 5 * time.Second
)

// MaxPath is the length of a socket's path on Linux, in bytes: sun_path without its NUL.
const MaxPath = 107

// reply is the outcome of an operation: a result or an error.
type reply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// File returns the path of a data directory's socket.
func File(dir string) string { return filepath.Join(dir, "stile.sock") }

// Listen listens at a data directory's socket. The caller holds the directory's lock, so no other
// process uses a socket that exists already.
func Listen(dir string) (net.Listener, error) {
	file := File(dir)
	if len(file) > MaxPath {
		return nil, fmt.Errorf("the path of the socket, %s, is longer than %d bytes; choose a shorter data directory", file, MaxPath)
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := net.Listen("unix", file)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	if err := os.Chmod(file, 0o600); err != nil { // the directory is 0700 already
		l.Close()
		return nil, fmt.Errorf("protect the socket: %w", err)
	}
	return l, nil
}
