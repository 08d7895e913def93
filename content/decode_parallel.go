package content

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
)

// record is one item as it stands in a source. decode is the slow part; it is
// called once, on any goroutine.
type record struct {
	place  sourcePos
	decode func() (Item, error)
}

type decoded struct {
	place sourcePos
	item  Item
	err   error
}

// depth is how many records are in hand at a time: with records of 1 MiB they
// stay far under 100 MB.
const depth = 16

// decodeParallel decodes records on all cores and gives the items in the records' order.
func decodeParallel(ctx context.Context, records iter.Seq[record], collection string) iter.Seq[decoded] {
	return func(yield func(decoded) bool) {
		var wg sync.WaitGroup
		defer wg.Wait() // nobody reads the source after this returns
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		work, queue := make(chan job), make(chan job, depth) // the same jobs: queue keeps their order
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for j := range work {
					j.done <- validate(j.record, collection)
				}
			})
		}
		wg.Go(func() {
			defer close(work)
			defer close(queue)
			for r := range records {
				j := job{r, make(chan decoded, 1)}
				if !send(ctx, queue, j) || !send(ctx, work, j) {
					return
				}
			}
		})
		for j := range queue {
			select {
			case d := <-j.done:
				if !yield(d) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

type job struct {
	record record
	done   chan decoded
}

func send(ctx context.Context, c chan<- job, j job) bool {
	select {
	case c <- j:
		return true
	case <-ctx.Done():
		return false
	}
}

// validate makes a checked item of a record. A reader that panics over somebody's
// bytes fails that record: the import may run inside the server.
func validate(r record, collection string) (d decoded) {
	d.place = r.place
	defer func() {
		if p := recover(); p != nil {
			d.err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	if d.item, d.err = r.decode(); d.err != nil {
		return d
	}
	if d.item.Collection == "" {
		d.item.Collection = collection
	}
	Clean(&d.item)
	d.err = Check(&d.item)
	return d
}
