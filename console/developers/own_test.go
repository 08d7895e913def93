package developers

import (
	"bytes"
	"encoding/json"
	"fmt"
	stdhtml "html"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/console/consoletest"
	"stile.example/stile/console/tenantpages"
	"stile.example/stile/datadir"
	"stile.example/stile/evidence"
	"stile.example/stile/operations"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
	"stile.example/stile/snippet"
	"stile.example/stile/statements"
	statementfiles "stile.example/stile/statements/files"
	"stile.example/stile/tokens"
)

// site is a tenant's own view over a data directory with the tenants acme and globex.
type site struct {
	testing.TB
	dir     *datadir.Dir
	handler http.Handler
	clock   atomic.Int64 // Unix seconds; the directory's goroutines read it too
	from    string       // source address
	cookie  *http.Cookie
	refs    []string // of globex
}

// TestStyle checks that the style sheet and the script are served below the view's prefix.
func TestStyle(t *testing.T) {
	s := newSite(t)
	body, err := io.ReadAll(s.do("GET", "/developers/", nil).Body)
	s.must(err)
	files := regexp.MustCompile(`/developers/console/[0-9a-f]+/console\.(css|js)`).FindAllString(string(body), -1)
	if len(files) != 2 {
		t.Fatalf("the page has the files %v", files)
	}
	for _, file := range files {
		if resp := s.do("GET", file, nil); resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", file, resp.StatusCode, resp.Header)
		}
	}
}

func (s *site) now() time.Time { return time.Unix(s.clock.Load(), 0).UTC() }

func (s *site) pass(d time.Duration) { s.clock.Add(int64(d / time.Second)) }

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t, from: "192.0.2.1"}
	s.clock.Store(time.Now().Unix())
	set, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir(), "public_url": "https://api.example"}})
	s.must(err)
	s.dir, err = datadir.Open(t.Context(), set, s.now, slog.New(slog.DiscardHandler))
	s.must(err)
	t.Cleanup(func() { s.dir.Close() })
	s.must(s.dir.UseOrigin("https://api.example"))
	s.handler = New(Options{Dir: s.dir, PublicURL: "https://api.example", Version: "1", Source: func(r *http.Request) (netip.Addr, error) { return netip.ParseAddr(s.from) }})
	for _, name := range []string{"acme", "globex"} {
		title := name + " Ltd"
		_, err := operations.AddTenant(t.Context(), s.dir, operations.TenantChange{ClientID: name, Name: &title, AddSites: []string{"https://www." + name + ".example"}})
		s.must(err)
		s.fill(name)
	}
	made, err := s.dir.Statements.CloseDue(t.Context(), s.now())
	if s.must(err); len(made) < 2 {
		t.Fatalf("closed %+v", made)
	}
	return s
}

// month returns a month that is closed.
func (s *site) month() time.Time {
	return time.Date(s.now().Year(), s.now().Month()-2, 1, 0, 0, 0, 0, time.UTC)
}

// fill adds refusals of a tenant, all with the tenant's name in them, and usage of a closed month.
func (s *site) fill(name string) {
	number, _ := s.dir.TenantNumber(name)
	day := int32(s.month().Unix() / 86400)
	s.must(s.dir.Store.Update(s.Context(), tokens.NewID("https://api.example", name), func(tokens.State) tokens.State {
		return tokens.State{Tenant: number, Day: day, Expires: int64(day+1) * 86400, Used: tokens.Usage{{{Calls: 4321 + number, Records: 8765}}}}
	}))
	for i := range 200 {
		ref := fmt.Sprintf("%s%03d-0000", name[:1], i)
		if name = strings.ToLower(name); name == "globex" {
			s.refs = append(s.refs, strings.ToUpper(ref))
		}
		f := refusals.Refusal{Ref: strings.ToUpper(ref), At: s.now(), Tenant: name, Code: "client_mismatch", Rule: "sites", Page: "https://" + name + ".invalid", Identity: "token " + name, Address: fmt.Sprint(name, i)}
		s.dir.Refusals.Note(f, true)
		s.dir.Evidence.Note(number, evidence.Observation{At: s.now(), Kind: evidence.Refused, Key: fmt.Sprint("client_mismatch ", name, i%20), Ref: f.Ref})
		s.dir.Evidence.Note(number, evidence.Observation{At: s.now(), Kind: evidence.Page, Key: f.Page, Ref: f.Ref})
		s.dir.Evidence.Note(number, evidence.Observation{At: s.now(), Kind: evidence.Client, Key: "globex", Ref: f.Ref})
	}
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// do sends a request, with the cookie of the session if there is one. A form is pairs.
func (s *site) do(method, path string, form url.Values, head ...string) *http.Response {
	s.Helper()
	r := httptest.NewRequest(method, "https://api.example/", strings.NewReader(form.Encode()))
	u, err := url.ParseRequestURI(path)
	s.must(err)
	r.URL, r.RequestURI = u, path
	r.Host = "api.example"
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	if s.cookie != nil {
		r.AddCookie(s.cookie)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

func body(resp *http.Response) string {
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// link makes a link of acme, and returns what is after the # of its URL.
func (s *site) link() string {
	s.Helper()
	made, err := operations.RunAs[operations.LinkRequest, operations.NewLink](s.Context(), s.dir, operations.Actor{Name: "root", Role: operations.Owner}, "tenant link add", operations.LinkRequest{ClientID: "acme", Name: "agency"})
	s.must(err)
	base, secret, _ := strings.Cut(made.URL, "#")
	if base != "https://api.example/developers/" || !strings.HasPrefix(secret, "stile_dev_") {
		s.Errorf("the URL: %s", made.URL)
	}
	return secret
}

// open opens a link, and keeps the cookie.
func (s *site) open() {
	s.Helper()
	resp := s.do("POST", "/developers/open", url.Values{"link": {s.link()}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/developers/" || len(resp.Cookies()) != 1 {
		s.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	s.cookie = resp.Cookies()[0]
}

// TestOpeningALink checks the session's cookie, that the whole URL may be pasted, and that nothing
// is shown without a link or with a wrong one.
func TestOpeningALink(t *testing.T) {
	s := newSite(t)
	if resp := s.do("GET", "/developers/", nil); resp.StatusCode != 200 || strings.Contains(body(resp), "acme") {
		t.Errorf("without a session: %d", resp.StatusCode)
	}
	if resp := s.do("GET", "/developers/usage", nil); resp.StatusCode != 403 {
		t.Errorf("a page without a session: %d", resp.StatusCode)
	}
	secret := s.link()
	for _, link := range []string{"", "x", secret[:len(secret)-1], secret + "A", "stile_dev_", strings.Repeat("x", 3000), "https://api.example/developers/#" + secret[1:]} {
		if resp := s.do("POST", "/developers/open", url.Values{"link": {link}}); resp.StatusCode != 403 || len(resp.Cookies()) != 0 {
			t.Errorf("%.30q: %d", link, resp.StatusCode)
		}
	}
	resp := s.do("POST", "/developers/open", url.Values{"link": {" https://api.example/developers/#" + secret + " "}})
	if resp.StatusCode != 303 || len(resp.Cookies()) != 1 {
		t.Fatalf("%d %s", resp.StatusCode, body(resp))
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/developers" || c.Name != "__Secure-stile-developers" || strings.Contains(c.Value, secret) {
		t.Errorf("the cookie: %s", c)
	}
	if resp := s.do("POST", "/developers/open", url.Values{"link": {secret}}, "Sec-Fetch-Site", "cross-site"); resp.StatusCode != 403 || len(resp.Cookies()) != 0 {
		t.Errorf("from another site: %d", resp.StatusCode)
	}
}

// TestSessionsEnd checks that a session ends with its time, its link and its tenant, and that a
// cookie can't be forged.
func TestSessionsEnd(t *testing.T) {
	works := func(s *site) bool { return s.do("GET", "/developers/usage", nil).StatusCode == 200 }
	for name, end := range map[string]func(s *site){
		"time":   func(s *site) { s.pass(12 * time.Hour) },
		"closed": func(s *site) { s.cookie = s.do("POST", "/developers/close", nil).Cookies()[0] },
		"link": func(s *site) {
			list, err := s.dir.Links.List(t.Context(), 1)
			s.must(err)
			s.must(s.dir.Links.Remove(t.Context(), 1, list[0].ID))
		},
		"tenant":   func(s *site) { s.must(s.dir.Tenants.Remove(t.Context(), "acme")) },
		"flipped":  func(s *site) { s.cookie.Value = string(s.cookie.Value[0]^1) + s.cookie.Value[1:] },
		"longer":   func(s *site) { s.cookie.Value += "AAAA" },
		"shorter":  func(s *site) { s.cookie.Value = s.cookie.Value[:20] },
		"no value": func(s *site) { s.cookie.Value = "" },
	} {
		s := newSite(t)
		s.open()
		s.pass(11 * time.Hour)
		if !works(s) {
			t.Errorf("%s: the session does not work before", name)
		}
		if end(s); works(s) {
			t.Errorf("%s: the session works after its end", name)
		}
	}
}

// TestLinksAreThrottled checks that wrong links are limited by address, and pages too.
func TestLinksAreThrottled(t *testing.T) {
	s := newSite(t)
	secret := s.link()
	for range wrongPer {
		s.do("POST", "/developers/open", url.Values{"link": {"stile_dev_wrong"}})
	}
	if resp := s.do("POST", "/developers/open", url.Values{"link": {secret}}); resp.StatusCode != 429 {
		t.Errorf("after %d wrong links: %d", wrongPer, resp.StatusCode)
	}
	s.from = "192.0.2.2"
	if resp := s.do("POST", "/developers/open", url.Values{"link": {secret}}); resp.StatusCode != 303 {
		t.Errorf("from another address: %d", resp.StatusCode)
	}
	for range pagesPer {
		s.do("GET", "/developers/", nil)
	}
	if resp := s.do("GET", "/developers/", nil); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after %d pages: %d", pagesPer, resp.StatusCode)
	}
	s.pass(time.Minute)
	if resp := s.do("GET", "/developers/", nil); resp.StatusCode != 200 {
		t.Errorf("a minute later: %d", resp.StatusCode)
	}
	s.must(s.dir.Addresses.Put(t.Context(), addresses.Entry{Range: netip.MustParsePrefix("192.0.2.0/24"), Kind: addresses.Block}))
	if resp := s.do("GET", "/developers/", nil); resp.StatusCode != 403 {
		t.Errorf("from a blocked address: %d", resp.StatusCode)
	}
}

// TestPages checks every page: its headers, its HTML, its size, and that it is about the tenant.
func TestPages(t *testing.T) {
	s := newSite(t)
	s.open()
	for path, want := range map[string]string{"/developers/": "outside the listed sites", "/developers/usage": "No calls yet", "/developers/usage?days=90": "90 days", "/developers/usage?": "4,322",
		"/developers/refusals": "A000-0000", "/developers/refusals?ref=a000-0000": "https://acme.invalid", "/developers/refusals?ref=x": "malformed", "/developers/refusals?ref=zzzzzzzz": "Unknown reference",
		"/developers/try": "data-client-id", "/developers/token": "20 calls"} {
		resp := s.do("GET", path, nil)
		text := body(resp)
		if resp.StatusCode != 200 || !strings.Contains(text, want) {
			t.Errorf("%s: %d, no %q", path, resp.StatusCode, want)
		}
		for _, fault := range consoletest.Check(resp.Header, text) {
			t.Errorf("%s: %s", path, fault)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); strings.Contains(csp, "report") {
			t.Errorf("%s: reports to a path that is not there: %s", path, csp)
		}
		if strings.Contains(text, "globex") {
			t.Errorf("%s names another tenant", path)
		}
		for _, file := range regexp.MustCompile(`(?:href|src)="(/developers/[^"]+\.(?:css|js))"`).FindAllStringSubmatch(text, -1) {
			if resp := s.do("GET", file[1], nil); resp.StatusCode != 200 {
				t.Errorf("%s: %d", file[1], resp.StatusCode)
			}
		}
	}
	for _, path := range []string{"/developers/tenants", "/developers/audit", "/developers/tenants/acme"} {
		if resp := s.do("GET", path, nil); resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// TestStatements checks that the statements are listed, with those so far, and that each file can
// be saved, is the tenant's and verifies.
func TestStatements(t *testing.T) {
	s := newSite(t)
	s.open()
	month, page := statements.MonthOf(s.month()), body(s.do("GET", "/developers/usage", nil))
	for _, want := range []string{month, "4,322", "8,765", statements.MonthOf(s.now()), "so far"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	keys, err := s.dir.Statements.Keys(t.Context())
	s.must(err)
	for _, f := range statementfiles.Formats() {
		path := "/developers/statements/" + month + "/statement." + string(f)
		resp := s.do("GET", path, nil)
		text := body(resp)
		name := "statement-acme-" + month + "." + string(f)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != f.ContentType() || resp.Header.Get("Content-Disposition") != `attachment; filename="`+name+`"` {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		if !strings.Contains(page, `href="`+path+`"`) || strings.Contains(text, "globex") || strings.Contains(text, "4323") {
			t.Errorf("%s is not linked, or is about another tenant", path)
		}
		if got, err := statementfiles.Verify(strings.NewReader(text), statementfiles.Options{Keys: keys}); err != nil || len(got.Problems) != 0 || !strings.Contains(text, "4322") {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for path, want := range map[string]int{"/developers/statements/" + month + "/x": 404, "/developers/statements/" + month + "/statement.HTML": 404,
		"/developers/statements/2020-01/statement.csv": 404, "/developers/statements/x/statement.csv": 400, "/developers/statements/" + statements.MonthOf(s.now()) + "/statement.csv": 409,
		"/developers/statements/globex/" + month + "/statement.csv": 404} {
		if resp := s.do("GET", path, nil); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	s.cookie = nil
	if resp := s.do("GET", "/developers/statements/"+month+"/statement.csv", nil); resp.StatusCode != 403 {
		t.Errorf("without a session: %d", resp.StatusCode)
	}
}

// TestTokenToTryOut checks that the one thing that can be changed needs the form's token and its
// own origin, and is limited.
func TestTokenToTryOut(t *testing.T) {
	s := newSite(t)
	s.open()
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body(s.do("GET", "/developers/token", nil)))
	if m == nil {
		t.Fatal("the form has no token")
	}
	valid := url.Values{"csrf": {m[1]}}
	if resp := s.do("POST", "/developers/token", url.Values{"csrf": {"x"}}); resp.StatusCode != 403 {
		t.Errorf("without the token: %d", resp.StatusCode)
	}
	if resp := s.do("POST", "/developers/token", valid, "Origin", "https://evil.example"); resp.StatusCode != 403 {
		t.Errorf("from another origin: %d", resp.StatusCode)
	}
	for range testsPer {
		if resp := s.do("POST", "/developers/token", valid); resp.StatusCode != 200 || !strings.Contains(body(resp), "client_id=acme") {
			t.Fatalf("%d", resp.StatusCode)
		}
	}
	if resp := s.do("POST", "/developers/token", valid); resp.StatusCode != 409 {
		t.Errorf("after %d tokens: %d", testsPer, resp.StatusCode)
	}
	page, err := operations.RunAs[operations.AuditQuery, operations.AuditPage](t.Context(), s.dir, operations.Actor{Name: "root", Role: operations.Owner}, "audit list", operations.AuditQuery{Operation: "token issue"})
	if err != nil || len(page.Entries) != testsPer || page.Entries[0].Actor != "agency" || page.Entries[0].Subject != "acme" {
		t.Errorf("the audit log: %+v, %v", page.Entries, err)
	}
}

// TestNothingOfOthers attacks the view of acme with 10,000 guessed ids, references and cursors of
// globex: real references, made-up ones, parameters, paths and operations. No response contains
// anything of globex.
func TestNothingOfOthers(t *testing.T) {
	s := newSite(t)
	s.open()
	random := rand.New(rand.NewPCG(1, 2))
	guess := func(i int) string {
		letters := []byte("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
		if i%2 == 0 {
			return s.refs[random.IntN(len(s.refs))]
		}
		ref := make([]byte, 8)
		for n := range ref {
			ref[n] = letters[random.IntN(32)]
		}
		return string(ref)
	}
	rows := 0
	check := func(what, text string) {
		t.Helper()
		if strings.Contains(strings.ReplaceAll(text, what, ""), "lobex") || strings.Contains(text, ".invalid") && strings.Contains(text, "globex.invalid") {
			if rows++; rows < 5 {
				t.Errorf("%s: %.300s", what, text)
			}
		}
	}
	for i := range 200 {
		s.from = fmt.Sprintf("192.0.2.%d", i)
		ref := guess(i)
		for _, path := range []string{"/developers/refusals?ref=" + ref, "/developers/refusals?after=" + ref + "&tenant=globex&client_id=globex",
			"/developers/usage?tenant=GLOBEX&days=90&after=" + ref, "/developers/" + ref, "/developers/statements/" + statements.MonthOf(s.month()) + "/statement.csv?tenant=globex&token=" + ref, "/developers/tenants/%67lobex/refusals", "/developers/..%2ftenants"} {
			if i%3 > 0 && !strings.Contains(path, "ref=") {
				continue
			}
			text := body(s.do("GET", path, nil))
			check(ref, strings.NewReplacer("tenant=globex", "", "client_id=globex", "", "%67lobex", "", "GLOBEX", "").Replace(text))
			if strings.Contains(path, "ref=") && !strings.Contains(text, "Unknown reference") {
				rows++
				t.Errorf("%s is known", ref)
			}
		}
	}
	developer := operations.Actor{Name: "agency", Role: operations.Developer, Tenant: "acme", Credential: "link"}
	all := operations.All()
	for i := range 10_000 {
		op, ref := all[i%len(all)], guess(i)
		if op.Name == "token issue" { // each is written to the audit log; see TestDevelopersSeeOneTenant
			op = all[(i+1)%len(all)]
		}
		in := fmt.Sprintf(`{%q:%q,%q:%q}`, []string{"client_id", "tenant", "Tenant", "id"}[i/len(all)%4], "globex", []string{"ref", "after", "token", "id"}[i%4], ref)
		if strings.HasPrefix(op.Name, "statement ") {
			rest := []string{`"month":"` + statements.MonthOf(s.month()) + `"`, `"after":"9999-12 globex"`, `"month":"` + ref + `"`, `"after":"` + ref + `"`}[i/len(all)%4]
			in = fmt.Sprintf(`{%q:"globex",%s}`, []string{"tenant", "Tenant", "TENANT"}[i/len(all)%3], rest)
		}
		var out bytes.Buffer
		result, err := op.Run(t.Context(), s.dir, operations.Call{Actor: developer, Input: json.RawMessage(in), Out: &out})
		text, _ := json.Marshal(result)
		check("operation "+op.Name, string(text)+fmt.Sprint(err)+out.String())
	}
	if rows != 0 {
		t.Errorf("%d rows of another tenant", rows)
	}
}

// TestPartsOfTheTenantsPage checks the diagnosis and the links in the console, and that the URL of
// a link is shown once.
func TestPartsOfTheTenantsPage(t *testing.T) {
	c := consoletest.New(t, tenantpages.Add, Add)
	if _, err := operations.AddTenant(t.Context(), c.Dir, operations.TenantChange{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	if page := c.Get("/tenants/acme", 200); !strings.Contains(page, "There are no calls yet.") || !strings.Contains(page, "No links") {
		t.Errorf("the page has no diagnosis: %s", page)
	}
	made := c.Post("/tenants/acme/links/add", 200, "name", "agency", "for", "7d")
	url := regexp.MustCompile(`https://api\.example/developers/#stile_dev_[A-Za-z0-9_-]{43}`).FindString(made)
	page := c.Get("/tenants/acme", 200)
	if url == "" || strings.Contains(page, url) || !strings.Contains(page, "agency") {
		t.Errorf("the link: %q", url)
	}
	if page := c.Post("/tenants/acme/links/add", 400, "name", "", "for", "7d"); !strings.Contains(page, "printable") {
		t.Errorf("without a name: %s", page)
	}
	id := regexp.MustCompile(`links/remove\?id=([a-z2-7]{8})`).FindStringSubmatch(page)
	if id == nil {
		t.Fatal("the link can't be removed")
	}
	if to := c.Post("/tenants/acme/links/remove", 303, "id", id[1]); to != "/tenants/acme" {
		t.Errorf("after removing it: %s", to)
	}
	c.Role = operations.Viewer
	if page := c.Get("/tenants/acme", 200); strings.Contains(page, "New link") {
		t.Error("a viewer may make a link")
	}
	c.Post("/tenants/acme/links/add", 403, "name", "agency", "for", "7d")
}

// TestSlowForms checks that those who send a form slowly don't keep others out meanwhile.
func TestSlowForms(t *testing.T) {
	s := newSite(t)
	begun, end := make(chan struct{}, together), make(chan struct{})
	var running sync.WaitGroup
	for range together {
		running.Go(func() {
			r := httptest.NewRequest("POST", "https://api.example/developers/open", &slow{begun: begun, end: end})
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			s.handler.ServeHTTP(httptest.NewRecorder(), r)
		})
	}
	for range together {
		<-begun
	}
	if resp := s.do("GET", "/developers/", nil); resp.StatusCode != 200 {
		t.Errorf("status %d while %d forms are sent", resp.StatusCode, together)
	}
	close(end)
	running.Wait()
}

// slow is a body that does not end before it may.
type slow struct {
	begun, end chan struct{}
	once       sync.Once
}

func (s *slow) Read([]byte) (int, error) {
	s.once.Do(func() { s.begun <- struct{}{} })
	<-s.end
	return 0, io.EOF
}

// TestOneSnippet checks that the doctor, the tenant's page and the tenant's own view show the same
// HTML for a page.
func TestOneSnippet(t *testing.T) {
	html := snippet.Default("acme").Code("https://api.example")
	if !strings.Contains(html, snippet.Script("https://api.example", "acme")) {
		t.Errorf("the script tag differs from that in\n%s", html)
	}
	s := consoletest.New(t, tenantpages.Add, Add)
	s.Post("/add/tenant", 200, "client_id", "acme", "sites", "https://www.acme.example")
	page := stdhtml.UnescapeString(s.Get("/tenants/acme", 200))
	if got := strings.Count(strings.ReplaceAll(page, "\n  ", "\n"), strings.ReplaceAll(strings.TrimSpace(html), "\n  ", "\n")); got < 2 {
		t.Errorf("the page of the tenant has the HTML %d times, want it as snippet and in the diagnosis\n%s", got, page)
	}
}
