package tokens

import (
	"context"
	"sync"
)

// firstCalls makes the simultaneous first calls of one token wait until one of them has consulted
// the address. Otherwise a call could consult it later than the one that bound the token, when more
// tokens have been bound, and a token within the address's budget would get a challenge. Enough of
// these, issued before anybody could solve one, would block an address of many people.
//
// The zero value is ready to use.
type firstCalls struct {
	mu      sync.Mutex
	running map[ID]chan struct{} // closed when the token's address has been consulted
}

// enter returns at once for the first of several simultaneous calls of a token, which calls leave
// when it is done. It returns for the others after that, or with an error when ctx ends.
func (f *firstCalls) enter(ctx context.Context, id ID) (leave func(), err error) {
	f.mu.Lock()
	if done, running := f.running[id]; running {
		f.mu.Unlock()
		select {
		case <-done:
			return func() {}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer f.mu.Unlock()
	if f.running == nil {
		f.running = map[ID]chan struct{}{}
	}
	done := make(chan struct{})
	f.running[id] = done
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.running, id)
		close(done)
	}, nil
}
