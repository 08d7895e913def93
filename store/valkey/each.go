package valkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"

	"stile.example/stile/store/states"
)

const (
	scanCount = 512 // keys that one SCAN looks at
	getBatch  = 256 // values that are read in one pipeline
	maxReads  = 3   // of one master, if replies are late or lost
)

// Each calls fn for each value of a kind, on all masters. It reads the names of all keys, so it
// takes about 1 s for each million keys. If a reply is late or lost, such as on a machine where
// several nodes start, it reads that master again, and repeats values.
func (e *Engine) Each(ctx context.Context, kind byte, fn func(states.Key, []byte) error) error {
	slots, err := e.masters(ctx)
	if err != nil {
		return fmt.Errorf("read all values: %w", err)
	}
	for _, slot := range slots {
		err := e.eachOf(ctx, slot, kind, fn)
		for n := 1; n < maxReads && errors.Is(err, states.ErrUnknown) && pause(ctx, longestPause); n++ {
			err = e.eachOf(ctx, slot, kind, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachOf calls fn for each value of a kind on the master that has a slot.
func (e *Engine) eachOf(ctx context.Context, slot int, kind byte, fn func(states.Key, []byte) error) error {
	if e.closed.Load() {
		return errClosed
	}
	return e.client.Dedicated(func(c rueidis.DedicatedClient) error {
		// The first command leads the connection to the master of the slot.
		first := c.Do(e.deadlines.Within(ctx, e.timeout), c.B().Get().Key(e.names.probe(slot)).Build())
		if err := first.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return e.failed(err, false)
		}
		for cursor := uint64(0); ; {
			r := c.Do(e.deadlines.Within(ctx, e.timeout), c.B().Scan().Cursor(cursor).
				Match(e.names.pattern(kind)).Count(scanCount).Build())
			entry, err := r.AsScanEntry()
			if err != nil {
				return e.failed(err, false)
			}
			if err := e.visit(ctx, kind, entry.Elements, fn); err != nil {
				return err
			}
			if cursor = entry.Cursor; cursor == 0 {
				return nil
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	})
}

// visit calls fn for the values of keys that are still present.
func (e *Engine) visit(ctx context.Context, kind byte, found []string, fn func(states.Key, []byte) error) error {
	for len(found) > 0 {
		n := min(getBatch, len(found))
		if err := e.visitBatch(ctx, kind, found[:n], fn); err != nil {
			return err
		}
		found = found[n:]
	}
	return nil
}

func (e *Engine) visitBatch(ctx context.Context, kind byte, found []string, fn func(states.Key, []byte) error) error {
	keys := make([]states.Key, 0, len(found))
	commands := make(rueidis.Commands, 0, len(found))
	for _, name := range found {
		if k, ok := e.names.key(name); ok && k.Kind == kind {
			keys = append(keys, k)
			commands = append(commands, e.client.B().Get().Key(name).Build())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	for i, r := range e.doMulti(ctx, commands) {
		value, err := optional(r)
		if err != nil {
			return e.failed(err, false)
		}
		if value == nil {
			continue
		}
		if err := fn(keys[i], value); err != nil {
			return err
		}
	}
	return nil
}
