package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content"
)

// operation is one thing that can be done to a data directory. It is named in
// [operations], and reached by [program.run].
type operation func(ctx context.Context, a *app, c input) (any, error)

// input is what an operation is given: its parameters as JSON, and, where it
// has them, items that come in and a stream that goes out.
type input struct {
	params json.RawMessage
	items  iter.Seq2[content.Item, error]
	out    io.Writer
}

// operations is everything that the commands can do.
var operations = map[string]operation{
	"tenant.add":           plain(addTenant),
	"tenant.list":          plain(listTenants),
	"tenant.set":           plain(setTenant),
	"tenant.rotate-secret": plain(rotateSecret),
	"tenant.remove":        plain(removeTenant),
	"content.import":       reading(importItems),
	"content.list":         plain(listItems),
	"content.show":         plain(showItem),
	"content.remove":       plain(removeItems),
	"content.export":       writing(exportItems),
	"token.issue":          plain(issueToken),
	"token.show":           plain(showToken),
	"token.revoke":         plain(revokeToken),
	"address.list":         plain(listAddresses),
	"address.put":          plain(putAddress),
	"address.remove":       plain(removeAddress),
	"explain":              plain(explainRefusal),
	"usage":                plain(readUsage),
	"key.list":             plain(listKeys),
	"key.rotate":           plain(rotateKey),
	"backup":               writing(writeBackup),
}

// plain is an operation without streams.
func plain[P, R any](fn func(context.Context, *app, P) (R, error)) operation {
	return func(ctx context.Context, a *app, c input) (any, error) {
		params, err := decode[P](c.params)
		if err != nil {
			return nil, err
		}
		return fn(ctx, a, params)
	}
}

// reading is an operation that takes items.
func reading[P, R any](fn func(context.Context, *app, P, iter.Seq2[content.Item, error]) (R, error)) operation {
	return func(ctx context.Context, a *app, c input) (any, error) {
		params, err := decode[P](c.params)
		if err != nil {
			return nil, err
		}
		return fn(ctx, a, params, c.items)
	}
}

// writing is an operation that writes a stream.
func writing[P, R any](fn func(context.Context, *app, P, io.Writer) (R, error)) operation {
	return func(ctx context.Context, a *app, c input) (any, error) {
		params, err := decode[P](c.params)
		if err != nil {
			return nil, err
		}
		return fn(ctx, a, params, c.out)
	}
}

func decode[P any](raw json.RawMessage) (p P, err error) {
	if err = json.Unmarshal(raw, &p); err != nil {
		err = fmt.Errorf("read the parameters: %w", err)
	}
	return p, err
}

// none is the parameters or the result of an operation that has none.
type none struct{}
