package socket

import (
	"context"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// goneEvery is how often the server checks whether the command of an operation still exists.
const goneEvery = 200 * time.Millisecond

type connKey struct{}

// withConn makes the connection of a request available to [untilGone].
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// untilGone returns a context that ends when the command has ended, however it has. The context of
// a request ends only if its body has been read: an import that first copies the corpus would run
// for a command that was killed.
func untilGone(r *http.Request) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(r.Context())
	raw, ok := rawConn(r)
	if !ok {
		return ctx, cancel
	}
	go func() {
		tick := time.NewTicker(goneEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if isGone(raw) {
					cancel()
				}
			}
		}
	}()
	return ctx, cancel
}

// rawConn returns the connection of a request.
func rawConn(r *http.Request) (syscall.RawConn, bool) {
	c, ok := r.Context().Value(connKey{}).(syscall.Conn)
	if !ok {
		return nil, false
	}
	raw, err := c.SyscallConn()
	return raw, err == nil
}

// isGone reports whether the other end has closed a connection. Bytes that it sent before may
// still be waiting.
func isGone(raw syscall.RawConn) (gone bool) {
	err := raw.Control(func(fd uintptr) {
		polled := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(polled, 0)
		gone = err == nil && n == 1 && polled[0].Revents&unix.POLLHUP != 0
	})
	return gone || err != nil // an error: this end is closed
}
