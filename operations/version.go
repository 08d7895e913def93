package operations

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"stile.example/stile/corpus/library"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// AnyVersion is in [Call.IfVersion] if what is to be changed must exist.
const AnyVersion = "*"

// versioned returns an operation about something that has a version. state returns what the version
// is computed from, nil if it does not exist. All changes of a noun that have versions run one
// after another, so that none comes between the check of a version and the change.
func (o Operation) versioned(state reading) Operation {
	o.version = state
	return o
}

// pinned says that the operation itself checks the version: it changes something only if the state
// is still the one in the context that pin returns. Such changes don't wait for each other.
func (o Operation) pinned(pin func(ctx context.Context, state any) context.Context) Operation {
	o.pin = pin
	return o
}

// seen adapts a function that returns what a version is computed from. It reads the fields that
// name this from the input, and ignores all others.
func seen[I any](fn func(context.Context, *datadir.Dir, I) (any, error)) reading {
	return func(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
		var in I
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, failure.Of(failure.Invalid, err)
		}
		return fn(ctx, d, in)
	}
}

// IsVersioned reports whether what the operation is about has a version.
func (o Operation) IsVersioned() bool { return o.version != nil }

// Version returns the current version of what a call is about, "" if it does not exist.
func (o Operation) Version(ctx context.Context, d *datadir.Dir, c Call) (string, error) {
	version, _, err := o.current(ctx, d, c)
	return version, err
}

func (o Operation) current(ctx context.Context, d *datadir.Dir, c Call) (version string, state any, err error) {
	if state, err = o.version(ctx, d, c); err != nil || state == nil {
		return "", nil, err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), state, nil
}

// exclusively runs fn while no other change of the same noun runs, if the call has the current
// version of what it changes. It returns the version after fn in c.Version.
func (o Operation) exclusively(ctx context.Context, d *datadir.Dir, c Call, fn func(context.Context) (any, error)) (any, error) {
	if o.version == nil {
		if len(c.IfVersion) > 0 {
			return nil, failure.New(failure.Invalid, "%s: what it changes has no version", o.Name)
		}
		return fn(ctx)
	}
	if o.pin == nil {
		held, release, err := d.Serialise(ctx, nounOf(o))
		if err != nil {
			return nil, err
		}
		defer release()
		ctx = held
	}
	during := ctx
	if len(c.IfVersion) > 0 {
		state, err := o.checkVersion(ctx, d, c)
		if err != nil {
			return nil, err
		}
		if o.pin != nil {
			during = o.pin(ctx, state)
		}
	}
	result, err := fn(during)
	if errors.Is(err, library.ErrStale) {
		err = o.stale(c)
	}
	if err == nil && c.Version != nil {
		*c.Version, _ = o.Version(ctx, d, c) // without it, the next change needs another look
	}
	return result, err
}

func nounOf(o Operation) string {
	noun, _, _ := strings.Cut(o.Name, " ")
	return noun
}

// checkVersion returns an error unless what a call changes has a version that the call has. It
// returns the state.
func (o Operation) checkVersion(ctx context.Context, d *datadir.Dir, c Call) (state any, err error) {
	now, state, err := o.current(ctx, d, c)
	switch {
	case err != nil:
		return nil, err
	case now != "" && (slices.Contains(c.IfVersion, now) || slices.Contains(c.IfVersion, AnyVersion)):
		return state, nil
	case now == "":
		return nil, failure.New(failure.Stale, "%s: does not exist, or not any more; nothing was changed", o.subject(c.Input))
	}
	return nil, o.stale(c)
}

func (o Operation) stale(c Call) error {
	return failure.New(failure.Stale, "%s: was changed in the meantime; read it again, then decide; nothing was changed", o.subject(c.Input))
}

func (o Operation) subject(in json.RawMessage) string {
	if o.trail == nil {
		return o.Name
	}
	return cmp.Or(o.trail.about(in), o.Name)
}
