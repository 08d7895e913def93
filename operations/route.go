package operations

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// Route is where the admin API has an operation. The fields of the input that are not in the path
// are query parameters of a GET, a DELETE and an operation that reads items, and the JSON body of
// the other requests.
type Route struct {
	Method string
	Path   string   // below /api/v1; {name} is the field of that name
	Status int      // of the response to a success
	Keys   []string // fields that identify a row of a list; see [Operation.keyed]
	// What the parameter limit may be at most, and its default; 0: as in every list.
	MaxLimit, DefaultLimit int
	Type                   string // media type of what the operation writes, if it does; "": any
	// Types has the media types by the field format of the input, and that without it by "".
	Types map[string]string
}

// at says where the admin API has the operation, such as "PATCH /tenants/{client_id}". A last field
// {name...} may contain slashes.
func (o Operation) at(route string) Operation {
	o.Route.Method, o.Route.Path, _ = strings.Cut(route, " ")
	o.Route.Status = http.StatusOK
	return o
}

// creates says that a success creates something: the status is 201.
func (o Operation) creates() Operation {
	o.Route.Status = http.StatusCreated
	return o
}

// writes says of which media type the bytes are that the operation writes.
func (o Operation) writes(kind string) Operation {
	o.Route.Type = kind
	return o
}

// writesBy says of which media type the bytes are, by the field format of the input.
func (o Operation) writesBy(types map[string]string) Operation {
	o.Route.Types = types
	return o
}

// limited says what the parameter limit may be, if not as in every list.
func (o Operation) limited(most, usual int) Operation {
	o.Route.MaxLimit, o.Route.DefaultLimit = most, usual
	return o
}

// keyed names the fields that identify a row of a result that is a slice. The admin API sorts the
// rows by them, downwards by those with a minus, and pages through them. An operation on what may
// be large has fields after and limit in its input, and next in its output instead.
func (o Operation) keyed(fields ...string) Operation {
	o.Route.Keys = fields
	return o
}

// Preview is what a change would do.
type Preview struct {
	Before any `json:"before"` // null: nothing, or not known
	After  any `json:"after"`
}

// previewed returns an operation that can say what it would do: fn checks everything that the
// operation checks, changes nothing, and returns the state after the change, or the result.
func (o Operation) previewed(fn reading) Operation {
	o.preview = fn
	return o
}

// HasPreview reports whether [Call.DryRun] may be set.
func (o Operation) HasPreview() bool { return o.preview != nil }

// reading is a function that changes nothing: a preview, or what a version is computed from.
type reading = func(context.Context, *datadir.Dir, Call) (any, error)

// of reads the input for the function of a preview.
func of[I any](fn func(context.Context, *datadir.Dir, I) (any, error)) reading {
	return func(ctx context.Context, d *datadir.Dir, c Call) (any, error) {
		in, err := decode[I](c.Input)
		if err != nil {
			return nil, err
		}
		return fn(ctx, d, in)
	}
}

// runPreview says what a call would do.
func (o Operation) runPreview(ctx context.Context, d *datadir.Dir, c Call) (p Preview, err error) {
	if o.preview == nil {
		return p, failure.New(failure.Invalid, "%s: can't say what it would do without doing it", o.Name)
	}
	if p.After, err = o.preview(ctx, d, c); err != nil {
		return p, err
	}
	before, err := o.trail.stateOf(ctx, d, c.Input)
	if before != nil {
		p.Before = json.RawMessage(before)
	}
	return p, err
}
