package frame

import (
	"encoding/json"
	"fmt"
	"net/http"

	"stile.example/stile/handlers/connections"
	"stile.example/stile/operations"
)

// Download performs an operation that writes bytes, and sends them as a file to be saved. An error
// before the first byte is shown as a page. A later one ends the connection, so that the browser
// does not take a part for the whole.
func (r *Request) Download(w http.ResponseWriter, operation string, in any, contentType, name string) {
	f := r.frame
	o, ok := operations.Find(operation)
	if !ok {
		f.fail(w, r, fmt.Errorf("%s: no such operation", operation))
		return
	}
	raw, err := json.Marshal(in)
	if err != nil {
		f.fail(w, r, fmt.Errorf("%s: write the input: %w", operation, err))
		return
	}
	out := &download{w: w, steady: connections.NewSteady(w), contentType: contentType, name: name}
	_, err = o.Run(r.Context(), f.dir, operations.Call{Actor: r.Caller.Actor, Input: raw, Out: out})
	switch {
	case err == nil:
	case out.begun:
		f.log.Error("console: a download was interrupted", "operation", operation, "err", err)
		panic(http.ErrAbortHandler)
	default:
		f.fail(w, r, err)
	}
}

// download sets the headers of a file with its first byte.
type download struct {
	w                 http.ResponseWriter
	steady            *connections.Steady
	contentType, name string
	begun             bool
}

func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		h := d.w.Header()
		h.Set("Content-Type", d.contentType)
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", d.name))
		h.Set("X-Content-Type-Options", "nosniff")
	}
	return d.steady.Write(b)
}
