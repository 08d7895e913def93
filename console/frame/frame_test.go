package frame_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
)

// add adds one of each kind of page and form.
func add(f *frame.Frame) {
	f.Page(frame.Page{Path: "/", Section: "overview", Role: operations.Viewer, Title: "Overview", Template: `<h1>Overview</h1>{{template "table" .Data}}`,
		Data: func(r *frame.Request) (any, error) {
			t := frame.Table{Caption: "Tenants", Columns: frame.Columns("Tenant", "#Calls", "-Action"), Rows: []frame.Row{{Cells: []frame.Cell{
				frame.Code("<script>alert(1)</script>").Link(frame.Path("tenants", "a/b")), frame.Num(1234567),
				r.Button("/things/1/lift", "Lift", "a range", "range", `"><script>`)}}}}
			r.Older(&t, "next one")
			return t, nil
		}})
	f.Page(frame.Page{Path: "/audit", Section: "audit", Role: operations.Owner, Title: "Audit", Template: `<h1>Audit</h1>`})
	f.Page(frame.Page{Path: "/broken", Section: "overview", Role: operations.Viewer, Title: "Broken", Template: `<h1>Broken</h1>`,
		Data: func(*frame.Request) (any, error) { return nil, errors.New("secret/path") }})
	f.Page(frame.Page{Path: "/gone", Section: "overview", Role: operations.Viewer, Title: "Gone", Template: `<h1>Gone</h1>`,
		Data: func(*frame.Request) (any, error) {
			return nil, failure.New(failure.NotFound, "there is no such thing; `stile thing list` lists the things")
		}})
	f.Page(frame.Page{Path: "/stale", Section: "overview", Role: operations.Viewer, Title: "Stale", Template: `<h1>Stale</h1>`,
		Data: func(*frame.Request) (any, error) { return nil, failure.New(failure.Stale, "it has version 2") }})
	f.Form(frame.Form{Path: "/things/{id}/lift", Section: "addresses", Role: operations.Operator,
		Show: func(r *frame.Request) (frame.FormView, error) {
			return frame.FormView{Title: "Lift " + r.PathValue("id"), Button: "Lift", Cancel: "/",
				Fields: []frame.Field{{Name: "range", Label: "Range", Required: true}, {Name: "sure", Label: "Sure", Kind: "checkbox", Value: "yes"}}}, nil
		},
		Do: func(_ *frame.Request, v frame.Values) (frame.Done, error) {
			switch v.Text("range") {
			case "both":
				return frame.Done{}, errors.Join(frame.About("range", failure.New(failure.Invalid, "range: wrong")),
					frame.About("sure", failure.New(failure.Invalid, "sure: `yes` is missing")))
			case "fault":
				return frame.Done{}, frame.About("range", errors.New("secret/path"))
			case "":
				return frame.Done{}, frame.About("range", failure.New(failure.Invalid, "range: missing"))
			case "secret":
				return frame.Done{Data: "s3cr3t", Title: "Secret", To: "/things/7", Again: frame.Crumb{Text: "Make another", Href: "/things/7/lift"}}, nil
			}
			return frame.Done{To: v.Get("to"), Flash: "Lifted " + v.Text("range") + "."}, nil
		},
		Result: `<h1>Secret</h1>{{template "snippet" (code "Secret" .Data)}}`})
}

func TestPage(t *testing.T) {
	s := consoletest.New(t, add)
	page := s.Get("/", 200)
	for _, want := range []string{"1,234,567", "&lt;script&gt;", `href="/tenants/a%2Fb"`, `href="/?after=next&#43;one"`, `aria-current="page"`, `value="csrf-of-the-test"`, "https://api.example"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
	if page := s.Get("/no/such/page", 404); !strings.Contains(page, "has no page at this URL") {
		t.Error(page)
	}
	s.Role = operations.Viewer
	s.Get("/no/such/page", 404)
	s.Role = operations.Owner
	if page := s.Get("/broken", 500); strings.Contains(page, "secret/path") || !strings.Contains(page, "Reference:") {
		t.Error(page)
	}
	if page := s.Get("/gone", 404); !strings.Contains(page, "<p>There is no such thing.</p>") {
		t.Error(page)
	}
}

// TestErrorHeading checks that the heading of the page of an error says the same as its title.
func TestErrorHeading(t *testing.T) {
	s := consoletest.New(t, add)
	page := s.Get("/stale", 409)
	for _, want := range []string{"<title>Changed by somebody else ·", "<h1>Changed by somebody else</h1>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in\n%s", want, page)
		}
	}
}

// TestURL checks that a path that is escaped already is not escaped again.
func TestURL(t *testing.T) {
	if got, want := frame.URL(frame.Path("content", "items", "a/b c"), "tenant", "x&y", "q", ""), "/content/items/a%2Fb%20c?tenant=x%26y"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRoles(t *testing.T) {
	s := consoletest.New(t, add)
	for role, status := range map[operations.Role]int{operations.Owner: 200, operations.Operator: 403, operations.Viewer: 403, "": 403} {
		s.Role = role
		s.Get("/audit", status)
	}
	s.Role = operations.Viewer
	s.Get("/things/1/lift", 403)
	s.Post("/things/1/lift", 403, "range", "x")
	if page := s.Get("/", 200); strings.Contains(page, "/lift") || strings.Contains(page, `href="/audit"`) {
		t.Error("a viewer is offered what only others may do")
	}
}

func TestForm(t *testing.T) {
	s := consoletest.New(t, add)
	if page := s.Get("/things/7/lift?range=pre", 200); !strings.Contains(page, `value="pre"`) || !strings.Contains(page, "Lift 7") || !strings.Contains(page, " checked") {
		t.Error(page)
	}
	if page := s.Post("/things/7/lift", 400, "range", " "); !strings.Contains(page, "range: missing") || !strings.Contains(page, `aria-invalid="true"`) || strings.Contains(page, " checked") {
		t.Error(page)
	}
	if page := s.Post("/things/7/lift", 400, "range", " "); strings.Count(page, " autofocus") != 1 || !strings.Contains(page, `id="field-range" name="range" value=" " autocomplete="off" autofocus`) {
		t.Errorf("the field with the error does not have the focus\n%s", page)
	}
	both := s.Post("/things/7/lift", 400, "range", "both")
	for _, want := range []string{"Check the fields Range, Sure.", `id="field-range-error"`, `id="field-sure-error"`} {
		if !strings.Contains(both, want) {
			t.Errorf("two wrong fields: no %s in\n%s", want, both)
		}
	}
	if page := s.Post("/things/7/lift", 200, "range", "secret"); !strings.Contains(page, "s3cr3t") {
		t.Error(page)
	}
	if page := s.Post("/things/7/lift", 500, "range", "fault"); strings.Contains(page, "secret/path") || !strings.Contains(page, "Reference:") {
		t.Error(page)
	}
	for to, want := range map[string]string{"/audit": "/audit", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "": "/"} {
		if got := s.Post("/things/7/lift", 303, "range", "x", "to", to); got != want {
			t.Errorf("%q: goes to %q, want %q", to, got, want)
		}
	}
}

// TestToken checks that a form without the token of the session changes nothing, and is shown
// again.
func TestToken(t *testing.T) {
	s := consoletest.New(t, add)
	for _, body := range []string{"range=x", "range=x&csrf=", "range=x&csrf=other"} {
		r := httptest.NewRequest("POST", "/things/7/lift", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp := s.Do(r)
		page, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 403 {
			t.Errorf("%s: status %d %v", body, resp.StatusCode, err)
		}
		// The form keeps the typed values, for the session of now.
		consoletest.Has(t, string(page), "nothing was changed", `name="range" value="x"`, `name="csrf" value="`+consoletest.CSRF)
	}
}

// TestFlash checks that a message is shown once, in its session, and only if the console wrote it.
func TestFlash(t *testing.T) {
	s := consoletest.New(t, add)
	r := httptest.NewRequest("POST", "/things/7/lift", strings.NewReader("range=%3Cb%3E&csrf="+consoletest.CSRF))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	cookies := s.Do(r).Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("cookies %v", cookies)
	}
	show := func(value string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: cookies[0].Name, Value: value})
		resp := s.Do(r)
		if c := resp.Cookies(); len(c) != 1 || c[0].MaxAge != -1 {
			t.Errorf("the message is not removed: %v", c)
		}
		body := make([]byte, 1<<16)
		n, _ := resp.Body.Read(body)
		return string(body[:n])
	}
	if page := show(cookies[0].Value); !strings.Contains(page, "Lifted &lt;b&gt;.") {
		t.Error("no message")
	}
	if page := show("AAAA" + cookies[0].Value[4:]); strings.Contains(page, "Lifted") {
		t.Error("a message with a wrong signature is shown")
	}
}

// TestRepeat checks that a form whose result is shown once is not performed again if its page is
// reloaded, and that the page then says so and leads on. It is performed again if it failed, if it
// is sent from a page that was opened again, and in another session.
func TestRepeat(t *testing.T) {
	s := consoletest.New(t, add)
	field := regexp.MustCompile(`name="sent" value="([^"]+)"`)
	sent := func() string {
		m := field.FindStringSubmatch(s.Get("/things/7/lift", 200))
		if m == nil {
			t.Fatal("the form has no hidden field")
		}
		return m[1]
	}
	first := sent()
	s.Post("/things/7/lift", 400, "range", " ", "sent", first)
	if page := s.Post("/things/7/lift", 200, "range", "secret", "sent", first); !strings.Contains(page, "s3cr3t") {
		t.Error(page)
	}
	again := s.Post("/things/7/lift", 200, "range", "secret", "sent", first)
	if strings.Contains(again, "s3cr3t") {
		t.Error("performed again")
	}
	consoletest.Has(t, again, "<h1>Secret</h1>", "can’t be shown again", `href="/things/7"`, "Make another", `href="/things/7/lift"`)
	for _, other := range []string{sent(), ""} {
		if page := s.Post("/things/7/lift", 200, "range", "secret", "sent", other); !strings.Contains(page, "s3cr3t") {
			t.Errorf("sent %q: not performed", other)
		}
	}
	s.Post("/things/8/lift", 200, "range", "secret", "sent", first)
}

// TestPager checks the links of lists by time and of others.
func TestPager(t *testing.T) {
	s := consoletest.New(t, func(f *frame.Frame) {
		for path, set := range map[string]func(*frame.Request, *frame.Table, string){"/names": (*frame.Request).Next, "/times": (*frame.Request).Older} {
			f.Page(frame.Page{Path: path, Section: "overview", Role: operations.Viewer, Title: "List", Template: `<h1>List</h1>{{template "table" .Data}}`,
				Data: func(r *frame.Request) (any, error) {
					t := frame.Table{Columns: frame.Columns("Name"), Rows: []frame.Row{{Cells: []frame.Cell{frame.Text("x")}}}}
					set(r, &t, "b")
					return t, nil
				}})
		}
	})
	consoletest.Has(t, s.Get("/names?after=a", 200), ">First</a>", ">Next</a>", `href="/names?after=b"`)
	consoletest.Has(t, s.Get("/times?after=a", 200), ">Newest</a>", ">Older</a>", `href="/times"`)
}

// TestCount checks singular and plural.
func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 items", 1: "1 item", 2: "2 items", 1000: "1,000 items"} {
		if got := frame.Count(n, "item"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
