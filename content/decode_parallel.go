package content

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
)

// record is one item as it is in a source. decode is the slow part. It is called once, on any
// goroutine.
type record struct {
	place  sourcePos
	decode func() (Item, error)
}

type decoded struct {
	place sourcePos
	item  Item
	err   error
}

// depth is the maximum number of records in memory. With records of 1 MiB, they take far less than
// 100 MB.
const depth = 16

// decodeParallel decodes records on all processors, and yields the items in the order of the
// records.
func decodeParallel(ctx context.Context, records iter.Seq[record], collection string) iter.Seq[decoded] {
	return func(yield func(decoded) bool) {
		var wg sync.WaitGroup
		defer wg.Wait() // nothing reads the source after this returns
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		work, queue := make(chan job), make(chan job, depth) // the same jobs; queue keeps the order
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

// validate makes a checked item from a record. If a parser panics, that record fails: the import
// may run inside the server.
func validate(r record, collection string) (d decoded) {
	d.place = r.place
	defer func() {
		if p := recover(); p != nil {
			d.err = fmt.Errorf("can't be read: %v", p)
		}
		d.err = r.place.wrap(d.err)
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
