package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"mime"
	"net/http"
	"slices"
	"time"

	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/problem"
	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

const maxImport = 4 << 30 // bytes

// importItems runs an operation that reads items, with those in the body.
func (a *API) importItems(r *request) error {
	format, err := r.itemFormat()
	if err != nil {
		return err
	}
	if r.input, err = r.endpoint.Input(r.path, r.query(), nil); err != nil {
		return err
	}
	var given struct {
		Collection  string `json:"collection"`
		SkipInvalid bool   `json:"skip_invalid"`
		Source      string `json:"source"`
	}
	if err := json.Unmarshal(r.input, &given); err != nil {
		return err
	}
	hasSource := func(f endpoint.Field) bool { return f.Name == "source" }
	// others who want to import meanwhile get to know who does
	if given.Source == "" && slices.ContainsFunc(r.endpoint.Query, hasSource) {
		if r.input, err = with(r.input, map[string]any{"source": r.actor.Name + ", through the admin API"}); err != nil {
			return err
		}
	}
	ctx, stop := context.WithCancel(r.Context())
	defer stop()
	connections.Until(http.NewResponseController(r.w), time.Now().Add(progress), time.Now().Add(indexing))
	body := &upload{r: r, ctx: ctx, body: http.MaxBytesReader(r.w, r.Body, maxImport), hash: sha256.New()}
	source := content.Source{Path: "body", Reader: body, Format: format, Now: a.Dir.Now(), Collection: given.Collection, SkipInvalid: given.SkipInvalid}
	call := operations.Call{Actor: r.actor, Input: r.input, Items: itemsOf(ctx, source), StopItems: stop}
	return a.onceWith(ctx, r, body, func() (*response, error) { return a.importBody(ctx, r, body, call) }, string(format))
}

// itemsOf reads items. An item that can't be read is the caller's error.
func itemsOf(ctx context.Context, source content.Source) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for it, err := range content.Read(ctx, source) {
			if err != nil && !new(imports.Result).Omit(err) {
				err = failure.Of(failure.Invalid, err)
			}
			if !yield(it, err) {
				return
			}
		}
	}
}

func (a *API) importBody(ctx context.Context, r *request, body *upload, call operations.Call) (*response, error) {
	version, err := a.prepare(ctx, r, &call)
	if err != nil {
		return nil, err
	}
	result, err := r.endpoint.Run(ctx, a.Dir, call)
	if body.failed != nil {
		return nil, body.failed
	}
	if err != nil {
		return nil, explainLines(err)
	}
	res, err := a.respond(r, result, call.DryRun, version)
	r.until(time.Now().Add(progress))
	return res, err
}

// itemFormat returns the format of the items in the body: by the parameter format, else by the
// type.
func (r *request) itemFormat() (content.Format, error) {
	if asked, given := r.URL.Query()["format"]; given {
		if len(asked) != 1 || asked[0] == "" {
			return "", problem.New(problem.BadRequest, "parameter format: must be given once")
		}
		format, err := content.ParseFormat(asked[0])
		if err != nil {
			return "", problem.New(problem.BadRequest, "parameter "+err.Error())
		}
		return format, nil
	}
	text := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(text)
	format, known := endpoint.ItemTypes[kind]
	if text == "" {
		return content.Auto, nil
	}
	if err != nil || !known {
		return "", problem.New(problem.UnsupportedType, "the header Content-Type must be that of JSON lines (application/x-ndjson), CSV (text/csv) or a feed (application/rss+xml, application/atom+xml, application/feed+json), or use the parameter format")
	}
	return format, nil
}

// explainLines adds the errors in the items to an error.
func explainLines(err error) error {
	lines, ok := errors.AsType[content.LineErrors](err)
	if cut, isCut := errors.AsType[content.CutOffError](err); isCut {
		lines, ok = cut.LineErrors, true
	}
	if !ok {
		return err
	}
	e := problem.New(problem.BadRequest, fmt.Sprintf("Nothing was imported: the items have errors, the first of them on line %d. The member lines has up to 20 of them.", lines[0].Line))
	for _, l := range lines {
		e.Lines = append(e.Lines, problem.Line{Line: l.Line, Problem: l.Problem})
	}
	e.Cause = err
	return e
}

// indexing is how long an import may take after its body was read, or until it is.
const indexing = time.Hour

// upload reads a body that may take long, as long as it makes progress.
type upload struct {
	r      *request
	ctx    context.Context
	body   io.Reader
	hash   hash.Hash // of what was read
	failed error     // why the body could not be read to its end
}

func (u *upload) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	_ = http.NewResponseController(u.r.w).SetReadDeadline(time.Now().Add(progress))
	n, err := u.body.Read(p)
	u.hash.Write(p[:n]) // never fails
	if err == io.EOF {  // net/http reads further to notice that the client is gone
		_ = http.NewResponseController(u.r.w).SetReadDeadline(time.Now().Add(indexing))
	}
	if err != nil && err != io.EOF {
		u.failed = unread(err)
	}
	return n, err
}

// sum reads the rest of the body, and returns a hash of all of it.
func (u *upload) sum() ([]byte, error) {
	if _, err := io.Copy(io.Discard, u); err != nil {
		return nil, cmp.Or(u.failed, err)
	}
	return u.hash.Sum(nil), nil
}
