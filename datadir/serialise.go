package datadir

import "context"

// Serialise waits until no other change under the same name is in progress, and returns a function
// that ends this one. All changes are made in the process that has the directory open.
func (d *Dir) Serialise(ctx context.Context, name string) (release func(), err error) {
	lock, _ := d.changes.LoadOrStore(name, make(chan struct{}, 1))
	held := lock.(chan struct{})
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
