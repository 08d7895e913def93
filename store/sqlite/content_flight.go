package sqlite

import (
	"context"
	"sync"

	"stile.example/stile/content"
)

// flights are the searches of a generation that run at this moment, by
// question. Callers that ask the same question meanwhile share the answer.
// The zero flights has none.
type flights struct {
	mu  sync.Mutex
	all map[string]*flight
}

// A flight is one search that runs. Its result may be read when done is closed.
type flight struct {
	done   chan struct{}
	page   content.Page
	err    error
	failed bool // the caller that ran it left or panicked: there is no answer
}

// share returns what run returns, or what it returns to a caller that asked
// the same question earlier. A caller waits for that as long as its own
// context lasts, and runs the search itself if the other caller gave up.
func (f *flights) share(ctx context.Context, question string, run func() (content.Page, error)) (content.Page, error) {
	for {
		one, mine := f.join(question)
		if mine {
			return f.fly(ctx, question, one, run)
		}
		select {
		case <-one.done:
			if !one.failed {
				return one.page, one.err
			}
		case <-ctx.Done():
			return content.Page{}, ctx.Err()
		}
	}
}

// join returns the flight of a question, and reports whether it is a new one,
// which the caller must fly.
func (f *flights) join(question string) (one *flight, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.all[question]; ok {
		return one, false
	}
	if f.all == nil {
		f.all = map[string]*flight{}
	}
	one = &flight{done: make(chan struct{}), failed: true}
	f.all[question] = one
	return one, true
}

func (f *flights) fly(ctx context.Context, question string, one *flight, run func() (content.Page, error)) (content.Page, error) {
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.all, question)
		close(one.done)
	}()
	one.page, one.err = run()
	one.failed = one.err != nil && ctx.Err() != nil
	return one.page, one.err
}
