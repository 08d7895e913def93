package library

import (
	"context"
	"errors"
	"fmt"

	"stile.example/stile/corpus/build"
)

// Upgrade publishes the current generation again in the current format if it has an older one, all
// or nothing. A server calls it before it serves: items of an older format can be read, but not
// searched. Commands that only read the items don't call it, since it may take long. An import
// converts the generation that it begins with in the same way.
func (l *Library) Upgrade(ctx context.Context) (err error) {
	if !l.isOld() {
		return nil
	}
	ctx, end, err := l.begin(ctx, "the corpus is being indexed again")
	if err != nil {
		return err
	}
	defer end()
	g := l.acquire()
	defer l.release(g)
	if !g.IsOld() { // another node was faster
		return nil
	}
	file := l.fileName(g.n + 1)
	if err = l.convert(ctx, file, g); err == nil {
		err = l.publish(ctx, g, nil) // the old format must not come back
	}
	if err != nil {
		return fmt.Errorf("upgrade the corpus: %w", errors.Join(err, removeIfExists(file)))
	}
	return nil
}

func (l *Library) isOld() bool {
	g := l.acquire()
	defer l.release(g)
	return g.IsOld()
}

// convert writes the items of a generation into a file of the current format, and logs it.
func (l *Library) convert(ctx context.Context, file string, g *generation) error {
	s, err := g.Stats()
	if err != nil {
		return err
	}
	l.log.Info("the corpus was written by an older version; its index is built again", "items", s.Items, "file", g.Name())
	start := l.opt.Now()
	if err := build.Rebuild(ctx, file, g.Name()); err != nil {
		return fmt.Errorf("%s: %w", g.Name(), err)
	}
	l.log.Info("the index of the corpus has been built again", "items", s.Items, "took", l.opt.Now().Sub(start))
	return nil
}
