package operations

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// AnyVersion is in [Call.IfVersion] if what is to be changed must exist.
const AnyVersion = "*"

// versioned returns an operation about something that has a version. state returns what the version
// is computed from, nil if it does not exist. All changes of a noun that have versions run one
// after another, so that none comes between the check of a version and the change.
func (o Operation) versioned(state func(context.Context, *datadir.Dir, json.RawMessage) (any, error)) Operation {
	o.version = state
	return o
}

// IsVersioned reports whether what the operation is about has a version.
func (o Operation) IsVersioned() bool { return o.version != nil }

// Version returns the current version of what an input is about, "" if it does not exist.
func (o Operation) Version(ctx context.Context, d *datadir.Dir, in json.RawMessage) (string, error) {
	state, err := o.version(ctx, d, in)
	if err != nil || state == nil {
		return "", err
	}
	text, err := json.Marshal(state)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// exclusively runs fn while no other change of the same noun runs, if the call has the current
// version of what it changes. It returns the version after fn in c.Version.
func (o Operation) exclusively(ctx context.Context, d *datadir.Dir, c Call, fn func() (any, error)) (any, error) {
	if o.version == nil {
		if len(c.IfVersion) > 0 {
			return nil, failure.New(failure.Invalid, "%s: what it changes has no version", o.Name)
		}
		return fn()
	}
	release, err := d.Serialise(ctx, nounOf(o))
	if err != nil {
		return nil, err
	}
	defer release()
	if err := o.checkVersion(ctx, d, c); err != nil {
		return nil, err
	}
	result, err := fn()
	if err == nil && c.Version != nil {
		*c.Version, _ = o.Version(ctx, d, c.Input) // without it, the next change needs another look
	}
	return result, err
}

func nounOf(o Operation) string {
	noun, _, _ := strings.Cut(o.Name, " ")
	return noun
}

// checkVersion returns an error unless what a call changes has a version that the call has.
func (o Operation) checkVersion(ctx context.Context, d *datadir.Dir, c Call) error {
	if len(c.IfVersion) == 0 {
		return nil
	}
	now, err := o.Version(ctx, d, c.Input)
	switch {
	case err != nil:
		return err
	case now != "" && (slices.Contains(c.IfVersion, now) || slices.Contains(c.IfVersion, AnyVersion)):
		return nil
	case now == "":
		return failure.New(failure.Stale, "%s: does not exist, or not any more; nothing was changed", o.subject(c.Input))
	}
	return failure.New(failure.Stale, "%s: was changed in the meantime; read it again, then decide; nothing was changed", o.subject(c.Input))
}

func (o Operation) subject(in json.RawMessage) string {
	if o.trail == nil {
		return o.Name
	}
	return o.trail.about(in)
}
