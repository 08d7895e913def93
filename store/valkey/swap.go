package valkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"stile.example/stile/store/states"
)

// Bounds of what is stored.
const (
	maxID    = 64
	maxValue = 64 << 10
)

// Swap stores s.Next if the present value is s.Known. It is one round trip. Two are needed if a
// value is gone that the caller knew, and if a server does not have the script.
//
// Once a call was sent, only the deadline of ctx ends it early, not its cancellation.
func (e *Engine) Swap(ctx context.Context, s states.Swap) (was states.Present, swapped bool, err error) {
	if err := checkSwap(s); err != nil {
		return states.Present{}, false, err
	}
	key, slot := e.names.value(s.Key)
	if len(s.Known) > 0 && s.Once == (states.Once{}) {
		was, swapped, done, err := e.swapIfEqual(ctx, key, slot, s)
		if done {
			return was, swapped, err
		}
	}
	return e.swapByScript(ctx, key, slot, s)
}

func checkSwap(s states.Swap) error {
	switch {
	case s.Key.ID == "" || len(s.Key.ID) > maxID:
		return fmt.Errorf("valkey: id of %d bytes: must have 1 to %d", len(s.Key.ID), maxID)
	case len(s.Next) == 0 || len(s.Next) > maxValue:
		return fmt.Errorf("valkey: value of %d bytes: must have 1 to %d", len(s.Next), maxValue)
	case s.Expires.UnixMilli() <= 0:
		return errors.New("valkey: a value must have a time of expiry")
	}
	return nil
}

// swapIfEqual swaps by SET … IFEQ. done is false if that left something to do: the server does not
// know IFEQ, or nothing is present, so that the epoch must be read.
func (e *Engine) swapIfEqual(ctx context.Context, key string, slot int, s states.Swap) (was states.Present, swapped, done bool, err error) {
	l := e.lane(slot)
	dials := e.conns.dials.Load() + 1
	if l.plain.Load() == dials {
		return was, false, false, nil
	}
	r := e.do(ctx, l, func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary("SET").Keys(key).Args(rueidis.BinaryString(s.Next), "IFEQ", rueidis.BinaryString(s.Known), "GET", "PXAT", e.millis(s.Expires)).Build()
	})
	value, err := optional(r)
	switch {
	case lacksCondition(err):
		l.plain.Store(dials)
		return was, false, false, nil
	case err != nil:
		return was, false, true, e.failed(err, false)
	case value == nil:
		return was, false, false, nil
	}
	return states.Present{Value: value}, bytes.Equal(value, s.Known), true, nil
}

// swapByScript swaps by a script: any change, on any server.
func (e *Engine) swapByScript(ctx context.Context, key string, slot int, s states.Swap) (was states.Present, swapped bool, err error) {
	keys := []string{key, e.names.epoch(slot)}
	args := []string{string(s.Known), string(s.Next), e.millis(s.Expires), strconv.FormatInt(s.NotBefore, 10)}
	if s.Once != (states.Once{}) {
		keys = append(keys, e.names.once(s.Key, s.Once.Digest))
		args = append(args, e.millis(s.Once.Until))
	}
	reply, err := e.run(ctx, e.lane(slot), swapScript, keys, args)
	if err != nil {
		return was, false, e.failed(err, true)
	}
	status, was, err := readSwap(reply)
	switch {
	case err != nil:
		return was, false, err
	case status == statusForgot:
		return was, false, states.ErrForgot
	case status == statusUsed:
		return was, false, states.ErrUsed
	}
	return was, status == statusSwapped, nil
}

// readSwap reads the reply of swapScript. A reply that is not understood leaves it unknown what
// happened.
func readSwap(reply rueidis.RedisMessage) (status int64, was states.Present, err error) {
	parts, err := reply.ToArray()
	if err == nil && len(parts) != 3 {
		err = fmt.Errorf("%d parts", len(parts))
	}
	if err == nil {
		status, err = parts[0].AsInt64()
	}
	if err == nil && !parts[1].IsNil() {
		was.Value, err = parts[1].AsBytes()
	}
	if err == nil && !parts[2].IsNil() {
		was.NotBefore, err = parts[2].AsInt64()
	}
	if err != nil {
		return 0, was, fmt.Errorf("valkey: %w: reply of the script: %w", states.ErrUnknown, err)
	}
	return status, was, nil
}

// Get returns what is present under a key.
func (e *Engine) Get(ctx context.Context, k states.Key) (states.Present, error) {
	if k.ID == "" || len(k.ID) > maxID {
		return states.Present{}, fmt.Errorf("valkey: id of %d bytes: must have 1 to %d", len(k.ID), maxID)
	}
	key, slot := e.names.value(k)
	r := e.do(ctx, e.lane(slot), func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary("MGET").Keys(key, e.names.epoch(slot)).Build()
	})
	parts, err := r.ToArray()
	if err != nil {
		return states.Present{}, e.failed(err, false)
	}
	if len(parts) != 2 {
		return states.Present{}, fmt.Errorf("valkey: reply of MGET: %d parts", len(parts))
	}
	switch {
	case !parts[0].IsNil():
		value, err := parts[0].AsBytes()
		return states.Present{Value: value}, err
	case parts[1].IsNil():
		return states.Present{}, states.ErrForgot
	}
	notBefore, err := parts[1].AsInt64()
	if err != nil {
		return states.Present{}, fmt.Errorf("valkey: epoch in %s: %w", e.names.epoch(slot), err)
	}
	return states.Present{NotBefore: notBefore}, nil
}

// optional returns the value of a reply, nil if there is none.
func optional(r rueidis.RedisResult) ([]byte, error) {
	value, err := r.AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	return value, err
}

// clockMargin is how far the clock of a server may be ahead of that of a node: nothing expires
// before the node thinks so, such as a used proof that is still valid.
const clockMargin = 10 * time.Second

// millis returns when something expires, in milliseconds of the server's clock.
func (e *Engine) millis(t time.Time) string {
	return strconv.FormatInt(t.Add(e.margin+time.Millisecond-1).UnixMilli(), 10)
}
