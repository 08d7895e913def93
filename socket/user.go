package socket

import (
	"net/http"
	"os"

	"golang.org/x/sys/unix"
)

// userOf returns the user at the other end of a request's connection. If the system does not say,
// that is the server's own user, who may open the socket too.
func userOf(r *http.Request) int {
	uid := os.Getuid()
	raw, ok := rawConn(r)
	if !ok {
		return uid
	}
	raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	return uid
}
