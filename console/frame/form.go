package frame

import (
	"crypto/subtle"
	"errors"
	"html/template"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stile.example/stile/handlers/connections"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// Form is a form of the console. GET shows it on a page of its own, which the script opens as a
// dialog, and POST performs it. If that fails, the page shows the error and what was typed.
//
// A page may also show a form's fields itself, or a button for it ([Request.Button]).
type Form struct {
	Path    string // as a pattern of net/http without a method: /tenants/{client_id}/suspend
	Section string
	Role    operations.Role
	// Show returns what the form shows, with the current values.
	Show func(*Request) (FormView, error)
	// Do performs it.
	Do func(*Request, Values) (Done, error)
	// Result is a template for what is shown once, such as a secret. It gets a [View] whose Data is
	// [Done.Data].
	Result string
	// Upload says that the last field is a file, which Do reads from [Values.File].
	Upload bool
}

// FormView is what a form shows.
type FormView struct {
	Title  string
	Text   []string // paragraphs above the fields
	Fields []Field
	Button string // what it does: a verb and an object, such as "Suspend acme"
	Danger bool   // it ends something
	Cancel string // path to go to without doing it
	// Set by the frame.
	Error  string
	Action string
	Upload bool
	Once   bool // it has a result, which is shown once
}

// Field is a field of a form or a filter.
type Field struct {
	Name, Label string
	// Kind is text (the default), search, number, date, url, password, select, checkbox, textarea,
	// file or hidden. A checkbox is sent as yes.
	Kind        string
	Value       string
	Help        string
	Placeholder string
	Options     []Option // of a select
	Required    bool
	Mono        bool   // its values are codes
	Complete    string // autocomplete; "": off
	Scope       string // prefix of the id, if another form of the page has a field of this name
	// Set by the frame.
	Error string
	Focus bool // the page begins there
}

// Option is a choice of a select.
type Option struct{ Value, Text string }

// ID returns the field's id in the page.
func (f Field) ID() string { return "field-" + f.Scope + f.Name }

// Described returns the ids of the texts that describe the field.
func (f Field) Described() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID()+"-error")
	}
	if f.Help != "" {
		ids = append(ids, f.ID()+"-help")
	}
	return strings.Join(ids, " ")
}

// Values is what a form sent.
type Values struct {
	url.Values
	File     io.Reader // of an upload; it ends with the file
	FileName string
}

// Text returns a value without surrounding white space.
func (v Values) Text(name string) string { return strings.TrimSpace(v.Get(name)) }

// Lines returns the lines of a value that are not empty, without surrounding white space.
func (v Values) Lines(name string) []string {
	lines := []string{}
	for line := range strings.Lines(v.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Done is the outcome of a form.
type Done struct {
	To    string // path of the next page
	Flash string // what was done, in a sentence
	Data  any    // not nil: show [Form.Result] immediately, and nothing again later
	Title string // of that page
	// Again is for a page that is shown once: the form that makes another secret, if this one is
	// lost. To is the page that it is about, then.
	Again Crumb
}

// FieldError is an error about one field, which is shown there.
type FieldError struct {
	Name string
	Err  error
}

func (e *FieldError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the field.
func (e *FieldError) Unwrap() error { return e.Err }

// About returns an error about a field, and nil for nil.
func About(field string, err error) error {
	if err == nil {
		return nil
	}
	return &FieldError{field, err}
}

// maxForm is the maximum size of a form in bytes, without a file.
const maxForm = 256 << 10

// fieldSize is how many bytes a field of a form with a file counts for, besides name and value.
const fieldSize = 128

// Form adds a form.
func (f *Frame) Form(form Form) {
	f.forms = append(f.forms, form)
	page := f.Template(`{{template "form-page" .}}`)
	var result *template.Template
	if form.Result != "" {
		result = f.Template(form.Result)
	}
	f.mux.HandleFunc("GET "+form.Path, f.handler(form.Role, func(w http.ResponseWriter, r *Request) {
		f.showForm(w, r, form, page, Values{Values: r.URL.Query()}, nil)
	}))
	f.mux.HandleFunc("POST "+form.Path, f.handler(form.Role, func(w http.ResponseWriter, r *Request) {
		v, err := f.values(w, r, form)
		switch {
		case errors.Is(err, errToken) && !form.Upload: // keep what was typed, for the session of now
			f.showForm(w, r, form, page, v, errOlder)
			return
		case err != nil:
			f.fail(w, r, err)
			return
		}
		done, isRepeat, err := f.doOnce(r, form, v)
		switch {
		case err != nil && failure.KindOf(err) == failure.Fault:
			f.fail(w, r, err)
		case err != nil:
			f.showForm(w, r, form, page, v, err)
		case isRepeat:
			f.showRepeat(w, r, form, done)
		case done.Data != nil:
			r.Title, r.Section = done.Title, form.Section
			f.render(w, r, http.StatusOK, result, done.Data)
		default:
			if done.Flash != "" {
				f.setFlash(w, r, done.Flash)
			}
			http.Redirect(w, r.Request, localPath(done.To), http.StatusSeeOther)
		}
	}))
}

// showForm responds with a form's page: with the values that were typed or given in the URL, and
// the error if there is one, which is not a fault.
func (f *Frame) showForm(w http.ResponseWriter, r *Request, form Form, t *template.Template, typed Values, failed error) {
	view, err := form.Show(r)
	if err != nil {
		f.fail(w, r, errors.Join(failed, err))
		return
	}
	view.Action, view.Upload, view.Once = r.URL.Path, form.Upload, form.Result != ""
	status := http.StatusOK
	if failed != nil && failure.KindOf(failed) == failure.Stale { // its new version is seen
		typed.Values = maps.Clone(typed.Values)
		typed.Del(versionField)
	}
	fill(&view, typed, failed != nil)
	if failed != nil {
		status = statuses[failure.KindOf(failed)].status
		show(&view, failed)
	}
	r.Title, r.Section = view.Title, form.Section
	if failed != nil {
		r.Title = "Error: " + view.Title
	}
	f.render(w, r, status, t, view)
}

// fill sets the fields to what was typed. Without a field in a form that was sent, a checkbox is
// off.
func fill(view *FormView, typed Values, sent bool) {
	for i := range view.Fields {
		field := &view.Fields[i]
		switch {
		case field.Kind == "password" || field.Kind == "file":
		case typed.Has(field.Name):
			field.Value = typed.Get(field.Name)
		case sent && field.Kind == "checkbox":
			field.Value = ""
		}
	}
}

// show puts each error at its field, and what is about no field above the form.
func show(view *FormView, err error) {
	var labels []string
	rest := ""
	for _, e := range split(err) {
		field := view.field(e)
		if field == nil {
			rest += Say(e) + "\n"
			continue
		}
		if field.Error != "" {
			field.Error += "\n"
		}
		field.Error += Say(e)
		if !slices.Contains(labels, field.Label) {
			labels = append(labels, field.Label)
		}
	}
	if i := slices.IndexFunc(view.Fields, func(f Field) bool { return f.Error != "" }); i >= 0 {
		view.Fields[i].Focus = true
	}
	switch view.Error = strings.TrimSuffix(rest, "\n"); {
	case rest != "":
	case len(labels) == 1:
		view.Error = "Check the field " + labels[0] + "."
	default:
		view.Error = "Check the fields " + strings.Join(labels, ", ") + "."
	}
}

// split returns the errors that were joined, if one of them is about a field.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		isField := func(e error) bool { _, ok := errors.AsType[*FieldError](e); return ok }
		if all := joined.Unwrap(); slices.ContainsFunc(all, isField) {
			return all
		}
	}
	return []error{err}
}

// field returns the field that an error is about; nil: none of the form.
func (v *FormView) field(err error) *Field {
	about, ok := errors.AsType[*FieldError](err)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(v.Fields, func(f Field) bool { return f.Name == about.Name })
	if i < 0 {
		return nil
	}
	return &v.Fields[i]
}

// values reads a form that was sent, and checks its CSRF token: with errToken, the values may be
// shown, and nothing may be done.
func (f *Frame) values(w http.ResponseWriter, r *Request, form Form) (Values, error) {
	if form.Upload {
		return f.uploaded(w, r)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return Values{}, failure.New(failure.Invalid, "read the form: %w", err)
	}
	return Values{Values: r.PostForm}, r.checkToken(r.PostForm.Get("csrf"))
}

// uploaded reads the fields before the file of a form. The file is read by the form itself.
func (f *Frame) uploaded(w http.ResponseWriter, r *Request) (Values, error) {
	r.Body = connections.SteadyBody(w, r.Body)
	parts, err := r.MultipartReader()
	if err != nil {
		return Values{}, failure.New(failure.Invalid, "read the form: %w", err)
	}
	v := Values{Values: url.Values{}}
	left := int64(maxForm)
	for {
		part, err := parts.NextPart()
		if err != nil {
			return v, failure.New(failure.Invalid, "the form has no file; choose one")
		}
		if part.FileName() != "" || part.Header.Get("Content-Type") != "" {
			v.File, v.FileName = part, part.FileName()
			return v, r.checkToken(v.Get("csrf"))
		}
		text, err := io.ReadAll(io.LimitReader(part, left+1))
		// What has no value takes memory too: for its name, and for the map.
		if left -= int64(len(text)) + int64(len(part.FormName())) + fieldSize; err != nil || left < 0 {
			return v, failure.New(failure.Invalid, "read the form: a field is incomplete or too long")
		}
		v.Add(part.FormName(), string(text))
	}
}

// errToken says that a form does not have the token of the caller's session.
var errToken = errors.New("the form was sent from an older session, or not from the console; open its page again, and repeat the change")

// errOlder is shown instead in the form itself, with what was typed.
var errOlder = failure.New(failure.Forbidden, "the form was sent from an older session, so nothing was changed; check it, and send it again")

// checkToken returns an error unless a form has the CSRF token of the caller's session.
func (r *Request) checkToken(sent string) error {
	own := r.Caller.CSRF
	if own == "" || subtle.ConstantTimeCompare([]byte(own), []byte(sent)) != 1 {
		return failure.Of(failure.Forbidden, errToken)
	}
	return nil
}

// CheckToken is for handlers that are added by [Frame.Handle]: it returns an error unless the form
// field csrf, or the header X-CSRF-Token, is the token of the caller's session.
func (r *Request) CheckToken() error {
	if sent := r.Header.Get("X-CSRF-Token"); sent != "" {
		return r.checkToken(sent)
	}
	return r.checkToken(r.PostFormValue("csrf"))
}

// localPath returns a path of the console, and "/" for anything else: a redirection must not leave
// the console.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`) {
		return "/"
	}
	return to
}
