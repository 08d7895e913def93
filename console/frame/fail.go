package frame

import (
	"net/http"

	"stile.example/stile/operations/failure"
)

// problem is what the page about an error shows.
type problem struct {
	Status int
	Text   string // what to do, or what is wrong
	Ref    string // of a fault, in the log; "": it is not one
}

// statuses has the status and the title of each kind of error.
var statuses = map[failure.Kind]struct {
	status int
	title  string
}{
	failure.Fault:       {http.StatusInternalServerError, "Internal server error"},
	failure.Invalid:     {http.StatusBadRequest, "Invalid request"},
	failure.NotFound:    {http.StatusNotFound, "Not found"},
	failure.Conflict:    {http.StatusConflict, "Not possible now"},
	failure.Forbidden:   {http.StatusForbidden, "Not allowed"},
	failure.Unconfirmed: {http.StatusBadRequest, "Not confirmed"},
	failure.Stale:       {http.StatusConflict, "Changed by somebody else"},
}

// fail responds with a page about an error.
func (f *Frame) fail(w http.ResponseWriter, r *Request, err error) {
	r.Title, r.Refresh = statuses[failure.KindOf(err)].title, false
	f.problem(w, r, f.problemOf(r, err))
}

func (f *Frame) notFound(w http.ResponseWriter, r *Request) {
	r.Title = "Not found"
	f.problem(w, r, problem{Status: http.StatusNotFound, Text: "The console has no page at this URL. The navigation lists the sections."})
}

// problem responds with the page about an error. If even that fails, the response is a line of
// text.
func (f *Frame) problem(w http.ResponseWriter, r *Request, p problem) {
	t := f.Template(`{{template "problem" .}}`)
	if err := f.tryRender(w, r, p.Status, t, p); err != nil {
		f.log.Error("console: can't show an error", "path", r.URL.Path, "err", err)
		http.Error(w, r.Title, p.Status)
	}
}

// Fail responds with the page of an error, for handlers that are added by [Frame.Handle].
func (r *Request) Fail(w http.ResponseWriter, err error) { r.frame.fail(w, r, err) }
