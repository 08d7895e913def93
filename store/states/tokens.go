package states

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/tokens"
)

// keepAfter is how long a token's state is kept after its expiry, and after its last change. It is
// more than a day: if the clock is set back by a day, no token becomes valid that was used before.
const keepAfter = 25 * time.Hour

func tokenExpires(s tokens.State, now time.Time) time.Time {
	at := time.Unix(s.Expires, 0)
	if at.Before(now) {
		at = now
	}
	return at.Add(keepAfter)
}

// Update implements [tokens.Store]. A step whose ctx ends while it still waits is not applied.
func (st *Store) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	_, err := st.tokens.update(ctx, id, Once{}, fn)
	return err
}

// UpdateOnce implements [tokens.SharedStore].
func (st *Store) UpdateOnce(
	ctx context.Context, id tokens.ID, once tokens.Once, fn func(tokens.State) tokens.State,
) (spent bool, err error) {
	return st.tokens.update(ctx, id, Once(once), fn)
}

// Peek implements [tokens.Store].
func (st *Store) Peek(id tokens.ID) (tokens.State, bool) { return st.tokens.peek(id) }

// SpendOnce reports whether it gets an id for the first time, at any node, until it expires. If
// what was stored at the time made may be lost, it reports false.
func (st *Store) SpendOnce(ctx context.Context, id tokens.ID, made, expires time.Time) (first bool, err error) {
	if st.opt.NeverForgets && st.NotBefore() > made.Unix()-1 {
		return false, nil // it may have been spent in an engine that was used before
	}
	ctx, cancel := context.WithTimeout(ctx, st.opt.ChangeTimeout)
	defer cancel()
	w := writer{st.opt.Node, st.attempts.Add(1)}
	s := Swap{Key: Key{KindOnce, string(id[:])}, Next: value{version: 1, writers: by(w, nil)}.encode(),
		Expires: expires, NotBefore: made.Unix() - 1}
	for n := 1; ; n++ {
		first, retry, err := st.spend(ctx, s)
		if !retry {
			st.report(err)
			return first, err
		}
		if gone := pause(ctx, n); gone != nil {
			st.report(err)
			return false, err
		}
	}
}

// Await implements [tokens.SharedStore]. All in all, it waits for 1.3 s.
func (st *Store) Await(ctx context.Context, times int) bool {
	return times < 8 && pauseFor(ctx, 5*time.Millisecond<<times) == nil
}

// spend swaps once, and reports whether the same swap must be tried again.
func (st *Store) spend(ctx context.Context, s Swap) (first, retry bool, err error) {
	at, cancel := context.WithTimeout(ctx, st.opt.Timeout)
	defer cancel()
	was, swapped, err := st.engine.Swap(at, s)
	switch {
	case err == nil:
		st.raise(was.NotBefore)
		return swapped || string(was.Value) == string(s.Next), false, nil
	case errors.Is(err, ErrForgot):
		err = st.beginEpoch(ctx, s.Key)
		return false, err == nil, err
	}
	return false, errors.Is(err, ErrUnknown), err
}
