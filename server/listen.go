package server

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"syscall"

	"stile.example/stile/settings"
)

// listen opens a listener. Its errors name the flag of its setting, and never suggest an address
// that was given for it or for the others.
func listen(key, addr string, others ...string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	flag := settings.Key{Name: key}.Flag()
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program; stop that program, or choose another address with --%s, such as --%s %s", key, addr, flag, flag, freeAddress(addr, others))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: %s; or choose another address with --%s", key, lowPort(addr), flag)
	case err != nil:
		return nil, fmt.Errorf("%s: %w; choose another address with --%s", key, err, flag)
	}
	return l, nil
}

// lowPort says what a process needs that may not listen at a port.
func lowPort(addr string) string {
	return fmt.Sprintf("%s: permission denied; ports under 1024 need CAP_NET_BIND_SERVICE (see AmbientCapabilities in the unit of docs/first-day.md)", addr)
}

// freeAddress returns an address of the same host, with a port that is free and not in others.
func freeAddress(addr string, others []string) string {
	host, text, _ := net.SplitHostPort(addr)
	port, _ := strconv.Atoi(text)
	var given []string
	for _, other := range others {
		_, p, _ := net.SplitHostPort(other)
		given = append(given, p)
	}
	next := port + 1000
	if next > 60000 {
		next = port - 2000
	}
	for ; next < 65535; next++ {
		found := net.JoinHostPort(host, strconv.Itoa(next))
		if slices.Contains(given, strconv.Itoa(next)) {
			continue
		}
		if l, err := net.Listen("tcp", found); err == nil {
			l.Close()
			return found
		}
	}
	return net.JoinHostPort(host, "0")
}
