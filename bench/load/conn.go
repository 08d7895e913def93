package load

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a connection. It has at most one request without a response.
type conn struct {
	index, fd int
	in, out   []byte // what was read of a response; the request
	want      []byte // how the response's body must begin
	since     time.Duration
}

// open connects all connections.
func (p Plan) open() (_ *loop, err error) {
	l := &loop{Plan: p, epoll: -1, timer: -1, chunk: make([]byte, 64<<10)}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	to, err := netip.ParseAddrPort(p.Addr)
	if err != nil || !to.Addr().Is4() || !to.Addr().IsLoopback() {
		return nil, fmt.Errorf("address %q: must be an IPv4 address of this machine, with a port", p.Addr)
	}
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, err
	}
	if err := l.watch(l.timer, timerIndex); err != nil {
		return nil, err
	}
	for n := range p.Conns {
		c := &conn{index: n}
		if c.fd, err = dial(to); err != nil {
			return nil, fmt.Errorf("connect to %s: %w", p.Addr, err)
		}
		l.conns = append(l.conns, c)
		if err := l.watch(c.fd, n); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func dial(to netip.AddrPort) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}),
		unix.SetNonblock(fd, true))
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (l *loop) watch(fd, index int) error {
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)})
}

func (l *loop) close() {
	for _, c := range l.conns {
		unix.Close(c.fd)
	}
	for _, fd := range []int{l.epoll, l.timer} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// write sends the request. It fits into the socket's buffer, which is empty.
func (c *conn) write() error {
	n, err := unix.Write(c.fd, c.out)
	if err == nil && n < len(c.out) {
		err = fmt.Errorf("only %d of %d bytes fit into the socket's buffer", n, len(c.out))
	}
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}

// receive reads what has arrived, and reports whether the response is complete and as expected.
func (c *conn) receive(chunk []byte) (isComplete bool, err error) {
	n, err := unix.Read(c.fd, chunk)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read response: %w", err)
	case n == 0:
		return false, fmt.Errorf("the server has closed a connection, after %.300q", c.in)
	case len(c.out) == 0:
		return false, fmt.Errorf("the server sends without a request: %.300q", chunk[:n])
	}
	text := chunk[:n]
	if len(c.in) > 0 {
		c.in = append(c.in, text...)
		text = c.in
	}
	size, err := responseSize(text, c.want)
	switch {
	case err != nil:
		return false, err
	case size == 0:
		if len(c.in) == 0 {
			c.in = append(c.in, text...)
		}
		return false, nil
	case size < len(text):
		return false, fmt.Errorf("the server sends more than one response: %.300q", text[size:])
	}
	c.in = c.in[:0]
	return true, nil
}
