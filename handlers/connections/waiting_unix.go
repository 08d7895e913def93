//go:build unix

package connections

import (
	"net"
	"os"
	"syscall"
)

// takeWaiting returns the connections in the system's queue, as many as have a slot. It does not
// wait for others.
func (l *limitListener) takeWaiting() (waiting []*os.File) {
	under, ok := l.Listener.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := under.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Control(func(fd uintptr) { // fails only if l is closed
		for l.hasSlot() {
			c, _, err := syscall.Accept(int(fd))
			if err != nil { // the queue is empty
				<-l.slots
				return
			}
			syscall.CloseOnExec(c)
			waiting = append(waiting, os.NewFile(uintptr(c), "connection"))
		}
	})
	return waiting
}

// hasSlot takes a slot, and reports whether one was free.
func (l *limitListener) hasSlot() bool {
	select {
	case l.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// CloseLast closes a listener, and returns the connections that wait in the system's queue if it is
// one of [Limit]. The system would reset them, with requests that have arrived: a proxy may open a
// connection for each request.
func CloseLast(listener net.Listener) (waiting []net.Conn, err error) {
	l, ok := listener.(*limitListener)
	if !ok {
		return nil, listener.Close()
	}
	files := l.takeWaiting()
	err = l.Close() // as soon as possible, since others may arrive
	for _, f := range files {
		c, failed := net.FileConn(f)
		f.Close() // the connection has a copy
		switch {
		case failed != nil:
			<-l.slots
		case c.RemoteAddr() == nil: // the client has reset it
			l.limited(c).Close()
		default:
			waiting = append(waiting, l.limited(c))
		}
	}
	return waiting, err
}
