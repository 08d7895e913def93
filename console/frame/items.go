package frame

import (
	"encoding/json"
	"fmt"
	"iter"

	"stile.example/stile/content"
	"stile.example/stile/operations"
)

// DoItems is [Do] for an operation that reads items.
func DoItems[I, O any](r *Request, operation string, in I, items iter.Seq2[content.Item, error], stop func()) (out O, err error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("%s: write the input: %w", operation, err)
	}
	o, ok := operations.Find(operation)
	if !ok {
		return out, fmt.Errorf("%s: no such operation", operation)
	}
	result, err := o.Run(r.Context(), r.frame.dir, operations.Call{Actor: r.Caller.Actor, Input: raw, Items: items, StopItems: stop})
	if err != nil {
		return out, err
	}
	return result.(O), nil
}

// DataDirectory returns the path of the data directory, for files that are uploaded.
func (f *Frame) DataDirectory() string { return f.dir.Settings().Data }
