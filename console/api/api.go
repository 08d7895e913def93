// Package api is the admin API: the operations for programs, over HTTP.
//
// A request is matched to an operation (router.go), its caller is authenticated (guard.go), its
// input is read (package endpoint), and the operation runs. What it returns becomes {"data": …}, a
// list also has "next", and an error becomes {"error": …} (respond.go, package problem). All rows
// of a list are written as a file if the request asks for one (export.go). A POST may be repeated
// with an Idempotency-Key (repeat.go).
//
// Everything else follows from the table of operations: this package knows no operation by name.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"stile.example/stile/console/caller"
	"stile.example/stile/console/endpoint"
	"stile.example/stile/console/limiter"
	"stile.example/stile/console/problem"
	"stile.example/stile/datadir"
	"stile.example/stile/handlers/connections"
	"stile.example/stile/idempotency"
	"stile.example/stile/operations"
)

// Prefix is the start of the paths of the API.
const Prefix = "/api/v1"

const (
	maxBody = 1 << 20
	timeout = 60 * time.Second // of a request that is not a stream
)

// Authenticator finds the admin of a token.
type Authenticator interface {
	// Authenticate returns who has a token. If nobody has, or it has expired, the error has a kind:
	// see package failure. An error without a kind is a fault.
	Authenticate(ctx context.Context, token, address string) (operations.Actor, error)
}

// Options is what the API needs. All fields are required.
type Options struct {
	Dir    *datadir.Dir
	Tokens Authenticator
	// Address returns the source address of a request. An error means that the request is
	// malformed.
	Address func(*http.Request) (netip.Addr, error)
	Repeats idempotency.Store
	// Document is the OpenAPI document, and Page the same for people.
	Document, Page []byte
}

// API handles the requests to the admin API.
type API struct {
	Options
	log         *slog.Logger
	routes      []route
	requests    *idempotency.Requests
	wrongTokens *limiter.Limiter // of lines in the log
}

// New returns the handler of everything below [Prefix].
func New(o Options) (*API, error) {
	if o.Dir == nil || o.Tokens == nil || o.Address == nil || o.Repeats == nil {
		return nil, errors.New("admin API: Dir, Tokens, Address and Repeats must be set")
	}
	requests, err := idempotency.New(o.Dir.Keys.SecretKey(), o.Repeats)
	if err != nil {
		return nil, err
	}
	a := &API{Options: o, log: o.Dir.Log, routes: routesOf(endpoint.All()), requests: requests, wrongTokens: limiter.New(maxWrong, wrongFor)}
	a.routes = append(a.routes, a.documents()...)
	return a, nil
}

// request is a request that is being handled.
type request struct {
	*http.Request
	w        http.ResponseWriter
	actor    operations.Actor
	address  netip.Addr
	endpoint endpoint.Endpoint
	path     map[string]string // the fields in the path
	input    []byte
	began    bool // the response has begun: an error can't be sent any more
	quiet    bool // enough such errors are in the log
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	r := &request{Request: h, w: w}
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			a.fail(r, fmt.Errorf("panic: %s\n%s", describe(p), debug.Stack()))
		}
	}()
	if err := a.serve(r); err != nil {
		a.fail(r, err)
	}
}

// describe returns the text of a runtime error, and the type of any other panic, whose text may
// contain input.
func describe(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a %T", p)
}

func (a *API) serve(r *request) (err error) {
	if r.address, err = a.Address(r.Request); err != nil {
		return problem.New(problem.BadRequest, err.Error())
	}
	if r.actor, err = a.authenticate(r); err != nil {
		return err
	}
	route, path, err := a.match(r)
	if err != nil {
		return err
	}
	r.path = path
	if route.serve != nil {
		return route.serve(r)
	}
	r.endpoint = *route.endpoint
	if !r.actor.Role.Includes(r.endpoint.Role) {
		return problem.New(problem.Forbidden, fmt.Sprintf("%s needs the role %s, and %s has %s.", r.endpoint.Name, r.endpoint.Role, r.actor.Name, r.actor.Role))
	}
	return a.perform(r)
}

// perform runs the operation of a request and responds.
func (a *API) perform(r *request) error {
	format, err := r.format()
	if err != nil {
		return err
	}
	if r.endpoint.Stream == operations.ItemsIn {
		return a.importItems(r)
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	if r.input, err = r.endpoint.Input(r.path, r.query(), body); err != nil {
		return err
	}
	// an operation may take longer than the server lets others take
	r.until(time.Now().Add(timeout + progress))
	switch {
	case r.endpoint.Stream == operations.BytesOut:
		return a.copyBytes(r)
	case format != endpoint.JSON:
		return a.export(r, format)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	return a.once(ctx, r, body, func() (*response, error) { return a.run(ctx, r) })
}

// until sets when the response must have been taken. The request lives longer: see
// [connections.Until].
func (r *request) until(t time.Time) {
	connections.Until(http.NewResponseController(r.w), t.Add(time.Minute), t)
}

// run runs an operation without streams, and returns the response.
func (a *API) run(ctx context.Context, r *request) (*response, error) {
	e, call := r.endpoint, operations.Call{Actor: r.actor, Input: r.input}
	if e.IsPage() && e.List.Next == "" {
		return a.page(ctx, r, call)
	}
	if e.IsPage() {
		if err := limitPage(e, &call); err != nil {
			return nil, err
		}
	}
	version, err := a.prepare(ctx, r, &call)
	if err != nil {
		return nil, err
	}
	result, err := e.Run(ctx, a.Dir, call)
	if err != nil {
		return nil, err
	}
	return a.respond(r, result, call.DryRun, version)
}

// actorKey identifies the actor for what is remembered about requests.
func (r *request) actorKey() string { return r.actor.Name + "\x00" + r.actor.Credential }

// session returns the caller who is signed in to the console, if there is one.
func session(r *http.Request) (operations.Actor, bool) {
	c := caller.From(r.Context())
	return c.Actor, c.Role != ""
}
