// Package ports chooses the ports of programs that tests start. Such a program gets its port before
// it listens on it, and nothing else may take the port meanwhile.
package ports

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are below the range from which Linux chooses those of connections (32768 or more). They are
// in blocks. A process has a block alone while it listens on the first port of it, so that two test
// processes never choose the same port.
const (
	lowest = 12_000
	blocks = 200
	size   = 100
)

var own struct {
	sync.Mutex
	locks     []net.Listener // on the first ports of the blocks of this process
	next, end int            // the ports that were not chosen yet
}

// Free returns a port that no program uses on any address, and that this function did not return
// before.
func Free() (int, error) {
	own.Lock()
	defer own.Unlock()
	for {
		if own.next == own.end {
			first, err := claim()
			if err != nil {
				return 0, err
			}
			own.next, own.end = first+1, first+size
		}
		port := own.next
		own.next++
		if l, err := listen(port); err == nil {
			return port, l.Close()
		}
	}
}

// Block returns the first of 99 ports that only the caller gets. Programs that don't belong to a
// test may use some of them.
func Block() (int, error) {
	own.Lock()
	defer own.Unlock()
	first, err := claim()
	return first + 1, err
}

// claim takes a block until this process ends, and returns its first port.
func claim() (int, error) {
	for _, n := range rand.Perm(blocks) {
		first := lowest + n*size
		if l, err := listen(first); err == nil {
			own.locks = append(own.locks, l)
			return first, nil
		}
	}
	return 0, errors.New("all ports for tests are in use")
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", ":"+strconv.Itoa(port))
}
