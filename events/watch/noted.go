package watch

import (
	"context"
	"sync"

	"stile.example/stile/events"
)

// noted holds what happened since the last check. The zero value is empty.
type noted[T any] struct {
	mu   sync.Mutex
	list []T
	scan bool // all that is stored must be read: the list was full, or the process has just started
}

// maxPending is how many are in a list.
const maxPending = 1000

func (n *noted[T]) add(one T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.list) >= maxPending {
		n.list, n.scan = nil, true
	}
	if !n.scan {
		n.list = append(n.list, one)
	}
}

// all makes the next check read all that is stored.
func (n *noted[T]) all() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list, n.scan = nil, true
}

func (n *noted[T]) take() (list []T, scan bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, scan = n.list, n.scan
	n.list, n.scan = nil, false
	return list, scan
}

// check emits the events of what was noted, or of all that read returns. After an error, the next
// check reads all.
func (n *noted[T]) check(ctx context.Context, w *Watcher, read func() ([]T, error), eventOf func(T) events.Event) (err error) {
	list, scan := n.take()
	if scan {
		list, err = read()
	}
	for i := 0; i < len(list) && err == nil; i++ {
		err = w.emit(ctx, eventOf(list[i]))
	}
	if err != nil {
		n.all()
	}
	return err
}

// wakeUp makes the next check immediate. It does not wait.
func (w *Watcher) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
