package operations

import (
	"context"
	"encoding/json"
	"fmt"

	"stile.example/stile/audit"
	"stile.example/stile/datadir"
)

// trail is what the audit log gets to know about an operation that changes something. Neither the
// input nor the result is recorded unless a trail says so: they may contain secrets.
type trail struct {
	// text says what was done, in the past tense, for people: "changed a tenant".
	text string
	// about returns what an input is about, such as a client_id.
	about func(in json.RawMessage) string
	// state returns the current state of what the input is about. Nil: it has none.
	state func(ctx context.Context, d *datadir.Dir, in json.RawMessage) (any, error)
	// result says that the result is recorded as the state after the change: it has no secrets.
	result bool
	// isDry reports whether an input asks only what would be changed. Nil: never.
	isDry func(in json.RawMessage) bool
}

// changes returns an operation whose calls are recorded in the audit log. text says what was done,
// in the past tense. about returns what an input is about, and state its current state without
// secrets, recorded before and after the change. Either may be nil.
func changes[I any](o Operation, text string, about func(I) string, state func(context.Context, *datadir.Dir, I) (any, error)) Operation {
	o.trail = &trail{text: text, about: func(raw json.RawMessage) string {
		in, err := decode[I](raw)
		if err != nil || about == nil {
			return ""
		}
		return about(in)
	}}
	if state != nil {
		o.trail.state = func(ctx context.Context, d *datadir.Dir, raw json.RawMessage) (any, error) {
			in, err := decode[I](raw)
			if err != nil {
				return nil, err
			}
			return state(ctx, d, in)
		}
	}
	return o
}

// withResult records the result as the state after the change. It must not contain a secret.
func (o Operation) withResult() Operation {
	t := *o.trail
	t.result = true
	o.trail = &t
	return o
}

// dryIf says which inputs ask only what would be changed.
func dryIf[I any](o Operation, isDry func(I) bool) Operation {
	t := *o.trail
	t.isDry = func(raw json.RawMessage) bool {
		in, err := decode[I](raw)
		return err == nil && isDry(in)
	}
	o.trail = &t
	return o
}

// Changes reports whether the operation changes something, and says what it does, in the past
// tense, as the audit log shows it.
func (o Operation) Changes() (text string, changes bool) {
	if o.trail == nil {
		return "", false
	}
	return o.trail.text, true
}

// runRecorded runs an operation that changes something, and records the change. A change that fails
// is not recorded.
func (o Operation) runRecorded(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
	if o.trail.isDry != nil && o.trail.isDry(c.Input) {
		return o.run(ctx, d, c)
	}
	before, err := o.trail.stateOf(ctx, d, c.Input)
	if err != nil {
		return nil, err
	}
	result, err := o.run(ctx, d, c)
	if err != nil {
		return nil, err
	}
	if r, ok := result.(interface{ Undone() bool }); ok && r.Undone() {
		return result, nil
	}
	after, err := o.trail.stateOf(ctx, d, c.Input)
	if o.trail.result && err == nil {
		after, err = json.Marshal(result)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: done, but its outcome can't be read for the audit log: %w", o.Name, err)
	}
	_, err = d.Audit.Record(context.WithoutCancel(ctx), audit.Entry{
		At: d.Now(), Actor: c.Actor.Name, Role: string(c.Actor.Role), Credential: c.Actor.Credential, Address: c.Actor.Address,
		Operation: o.Name, Subject: o.trail.about(c.Input), Before: before, After: after,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: done, but not recorded: %w", o.Name, err)
	}
	return result, nil
}

// stateOf returns the state as JSON, nil if there is none.
func (t *trail) stateOf(ctx context.Context, d *datadir.Dir, in json.RawMessage) (json.RawMessage, error) {
	if t.state == nil {
		return nil, nil
	}
	s, err := t.state(ctx, d, in)
	if err != nil || s == nil {
		return nil, err
	}
	return json.Marshal(s)
}
