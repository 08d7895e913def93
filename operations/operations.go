// Package operations is the one table of what can be done to a data directory.
//
// An [Operation] has all that a caller needs: its name, the role that may call it, the types of its
// input and output, a summary and an example, and what the audit log records of it. The command
// line takes its summaries from the table, and the socket finds operations in it. Most
// implementations are in this package too, one file for each noun. They work on an opened
// [datadir.Dir] and don't know who calls them, so a command does the same in the running server as
// in its own process. [Operation.Run] checks the caller's role, and records changes.
package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"

	"stile.example/stile/admins"
	"stile.example/stile/content"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/backups"
	"stile.example/stile/operations/failure"
)

// Operation is something that can be done to a data directory.
type Operation struct {
	// Name is what to type after `stile` to run the operation: a noun and a verb, such as
	// "tenant add", or one word.
	Name string
	// Role is the lowest role that may call the operation.
	Role Role
	// Summary is the short form of the help text: no capital, no full stop.
	Summary string
	// Example is a valid input, as JSON.
	Example string
	// Input and Output are the types of the parameters and the result: structs with JSON tags,
	// slices of them, or JSON as it is stored.
	Input, Output reflect.Type
	// Stream says what is transferred in addition to Input and Output.
	Stream Stream
	// Route is where the admin API has the operation.
	Route Route

	run   func(context.Context, *datadir.Dir, Call) (any, error)
	trail *trail // nil: it changes nothing
	// preview and version are nil if there are none.
	preview, version reading
	pin              func(ctx context.Context, state any) context.Context // see pinned
}

// MayCreate reports whether the operation may be the first in a new data directory: it adds the
// first of something. All others have nothing to read or change there.
func (o Operation) MayCreate() bool {
	switch o.Name {
	case "admin add", "tenant add", "content import", "address allow", "address block", "key rotate":
		return true
	}
	return false
}

// Role is what a caller may do.
type Role = admins.Role

// The roles, of which each includes the ones before it.
const (
	Developer Role = "developer" // of one tenant: sees what [scopes] lists, about that tenant only
	Viewer         = admins.Viewer
	Operator       = admins.Operator
	Owner          = admins.Owner
)

// Stream is what an operation transfers in addition to its input and output.
type Stream string

// The streams.
const (
	NoStream Stream = ""
	ItemsIn  Stream = "items in"  // reads Call.Items
	BytesOut Stream = "bytes out" // writes to Call.Out
)

// Call is one call of an operation.
type Call struct {
	Actor Actor
	Input json.RawMessage
	Items iter.Seq2[content.Item, error] // for [ItemsIn]
	// StopItems makes Items end soon, although their source may send nothing. Nil: they end by
	// themselves.
	StopItems func()
	Out       io.Writer // for [BytesOut]
	// DryRun asks what the operation would do. The result is a [Preview], and nothing is changed.
	DryRun bool
	// IfVersion has the versions that what is changed may have, or [AnyVersion]. Empty: any, and it
	// need not exist.
	IfVersion []string
	// Version gets the version after the change, if it is set and what is changed has versions.
	Version *string
}

// Run performs the operation on an opened data directory if the actor's role allows it, and records
// it in the audit log if it changes something. The result has the type Output.
func (o Operation) Run(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
	if c.Actor.isTenants() {
		return o.runForTenant(ctx, d, c)
	}
	if err := c.Actor.may(o); err != nil {
		return nil, err
	}
	switch {
	case o.trail == nil:
		return o.run(ctx, d, c)
	case c.DryRun:
		return o.exclusively(ctx, d, c, func(ctx context.Context) (any, error) { return o.runPreview(ctx, d, c) })
	}
	return o.exclusively(ctx, d, c, func(ctx context.Context) (any, error) { return o.runRecorded(ctx, d, c) })
}

// RunAs performs an operation with a typed input and result, for callers in the server.
func RunAs[I, O any](ctx context.Context, d *datadir.Dir, by Actor, name string, in I) (out O, err error) {
	o, ok := Find(name)
	if !ok {
		return out, fmt.Errorf("%s: no such operation", name)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("%s: write the input: %w", name, err)
	}
	result, err := o.Run(ctx, d, Call{Actor: by, Input: raw})
	if err != nil {
		return out, err
	}
	return result.(O), nil
}

// plain returns an operation without streams.
func plain[I, O any](
	name string, role Role, summary, example string,
	fn func(context.Context, *datadir.Dir, I) (O, error),
) Operation {
	return define(name, role, summary, example, NoStream,
		func(ctx context.Context, d *datadir.Dir, in I, _ Call) (O, error) { return fn(ctx, d, in) })
}

// itemsIn returns an operation that reads items.
func itemsIn[I, O any](
	name string, role Role, summary, example string,
	fn func(context.Context, *datadir.Dir, I, iter.Seq2[content.Item, error]) (O, error),
) Operation {
	return define(name, role, summary, example, ItemsIn,
		func(ctx context.Context, d *datadir.Dir, in I, c Call) (O, error) { return fn(ctx, d, in, c.Items) })
}

// bytesOut returns an operation that writes a stream of bytes.
func bytesOut[I, O any](
	name string, role Role, summary, example string,
	fn func(context.Context, *datadir.Dir, I, io.Writer) (O, error),
) Operation {
	return define(name, role, summary, example, BytesOut,
		func(ctx context.Context, d *datadir.Dir, in I, c Call) (O, error) { return fn(ctx, d, in, c.Out) })
}

func define[I, O any](
	name string, role Role, summary, example string, stream Stream,
	fn func(context.Context, *datadir.Dir, I, Call) (O, error),
) Operation {
	return Operation{
		Name: name, Role: role, Summary: summary, Example: example,
		Input: reflect.TypeFor[I](), Output: reflect.TypeFor[O](), Stream: stream,
		run: func(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
			in, err := decode[I](c.Input)
			if err != nil {
				return nil, err
			}
			return fn(ctx, d, in, c)
		},
	}
}

// decode reads an input. It refuses unknown fields: a misspelt or newer one must not be ignored.
func decode[I any](raw json.RawMessage) (in I, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err = d.Decode(&in); err != nil {
		return in, failure.New(failure.Invalid, "read the input: %w", err)
	}
	if _, err = d.Token(); err != io.EOF {
		return in, failure.New(failure.Invalid, "read the input: data after the JSON value")
	}
	return in, nil
}

func writeBackup(ctx context.Context, d *datadir.Dir, _ None, out io.Writer) (Written, error) {
	return backups.Write(ctx, d, out)
}

// Written is how much an operation wrote.
type Written = backups.Written

// None is the input of an operation that has no parameters.
type None struct{}
