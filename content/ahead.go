package content

import (
	"context"
	"fmt"
	"iter"
	"sync"
)

// record is one item as it stands in a source. decode is the slow part; it is
// called once, on any goroutine.
type record struct {
	place  place
	decode func() (Item, error)
}

type decoded struct {
	place place
	item  Item
	err   error
}

// depth is how many records are decoded at a time: with records of 1 MiB they
// stay far under 100 MB.
const depth = 8

// ahead decodes records on goroutines and gives the items in the records' order.
func ahead(ctx context.Context, records iter.Seq[record], collection string) iter.Seq[decoded] {
	return func(yield func(decoded) bool) {
		var wg sync.WaitGroup
		defer wg.Wait() // nobody reads the source after this returns
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		queue := make(chan chan decoded, depth)
		wg.Go(func() {
			defer close(queue)
			for r := range records {
				out := make(chan decoded, 1)
				select {
				case queue <- out:
					wg.Go(func() { out <- finish(r, collection) })
				case <-ctx.Done():
					return
				}
			}
		})
		for out := range queue {
			if !yield(<-out) {
				return
			}
		}
	}
}

// finish makes a checked item of a record. A reader that panics over somebody's
// bytes fails that record: the import may run inside the server.
func finish(r record, collection string) (d decoded) {
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
