package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser is somebody who is signed in at the console, without script.
type browser struct {
	t      testing.TB
	origin string
	client *http.Client
	csrf   string
}

// page is a response of the console.
type page struct {
	Path   string
	Status int
	Next   string // where it redirects to
	Kind   string // content type
	Text   string
	root   *html.Node
}

// account is what `stile admin add --json` prints.
type account struct{ Name, Role, Password, Token string }

// addAdmin adds an admin.
func (s *server) addAdmin(name, role string) (a account) {
	s.t.Helper()
	s.must(s.CommandJSON(&a, "admin", "add", name, "--role", role))
	return a
}

// signIn signs in as an admin with the one-time password, and replaces it.
func (s *server) signIn(a account) *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	b := &browser{t: s.t, origin: s.AdminURL, client: &http.Client{Jar: jar, Timeout: newClient().Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	b.csrf = b.get("/sign-in").token()
	b.mustPost("/sign-in", url.Values{"name": {a.Name}, "password": {a.Password}})
	b.csrf = b.get("/sign-in/password").token()
	const own = "a long way round"
	b.mustPost("/sign-in/password", url.Values{"password": {own}, "repeated": {own}})
	if b.csrf = b.get("/").token(); b.csrf == "" {
		s.t.Fatalf("%s is not signed in", a.Name)
	}
	return b
}

// do sends a request and reads the response.
func (b *browser) do(req *http.Request) page {
	b.t.Helper()
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := page{Path: req.URL.RequestURI(), Status: res.StatusCode, Next: res.Header.Get("Location"), Kind: res.Header.Get("Content-Type"), Text: string(text)}
	if strings.HasPrefix(p.Kind, "text/html") {
		if p.root, err = html.Parse(bytes.NewReader(text)); err != nil {
			b.t.Fatalf("%s: %v", p.Path, err)
		}
	}
	return p
}

func (b *browser) get(path string) page {
	b.t.Helper()
	req, err := http.NewRequest("GET", b.origin+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

// post sends a form with the token of the session. Headers are pairs.
func (b *browser) post(path string, v url.Values, headers ...string) page {
	b.t.Helper()
	v = withToken(v, b.csrf)
	return b.send(path, "application/x-www-form-urlencoded", v.Encode(), headers...)
}

// send sends a form as it is. Headers are pairs.
func (b *browser) send(path, contentType, body string, headers ...string) page {
	b.t.Helper()
	req, err := http.NewRequest("POST", b.origin+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.do(req)
}

func (b *browser) mustPost(path string, v url.Values) {
	b.t.Helper()
	if p := b.post(path, v); p.Status != http.StatusSeeOther {
		b.t.Fatalf("POST %s: %d\n%s", path, p.Status, p.Text)
	}
}

func withToken(v url.Values, csrf string) url.Values {
	sent := url.Values{"csrf": {csrf}}
	for name, values := range v {
		if name != "csrf" {
			sent[name] = values
		}
	}
	return sent
}

// walk requests all pages that links lead to from a page. Files and the admin API are left out.
func (b *browser) walk(start string) (pages []page) {
	b.t.Helper()
	const most = 400
	seen, queue := map[string]bool{start: true}, []string{start}
	for len(queue) > 0 && len(pages) < most {
		path := queue[0]
		queue = queue[1:]
		p := b.get(path)
		if p.Status != http.StatusOK {
			b.t.Errorf("the console links to %s: %d %s", path, p.Status, p.Next)
		}
		pages = append(pages, p)
		for _, a := range p.all("a") {
			to, err := url.Parse(attribute(a, "href"))
			if err != nil {
				b.t.Errorf("%s has a link to %q: %v", path, attribute(a, "href"), err)
				continue
			}
			_, isFile := find(a, "download")
			if to.Host != "" || to.Scheme != "" || isFile || strings.HasPrefix(to.Path, "/api/") || strings.HasPrefix(to.Path, "/debug/") {
				continue
			}
			to.Fragment = ""
			if to = mustParse(b.t, path).ResolveReference(to); !seen[to.RequestURI()] {
				seen[to.RequestURI()] = true
				queue = append(queue, to.RequestURI())
			}
		}
	}
	if len(pages) == most {
		b.t.Errorf("the walk has %d pages: more than expected; the next is %s", most, queue[0])
	}
	return pages
}

func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// webForm is a form of a page.
type webForm struct {
	Action   string
	Fields   url.Values
	IsUpload bool
}

// forms returns the forms of a page that are sent by POST.
func (p page) forms() (all []webForm) {
	for _, n := range p.all("form") {
		// The script does the work of a hidden form, and sends JSON.
		if _, isHidden := find(n, "hidden"); isHidden || !strings.EqualFold(attribute(n, "method"), "post") {
			continue
		}
		f := webForm{attribute(n, "action"), url.Values{}, attribute(n, "enctype") == "multipart/form-data"}
		for _, field := range slices.Concat(below(n, "input"), below(n, "textarea"), below(n, "select")) {
			f.Fields.Add(attribute(field, "name"), cmp.Or(attribute(field, "value"), "1"))
		}
		all = append(all, f)
	}
	return all
}

// encode writes a form as a browser sends it, with a token; "": without.
func (f webForm) encode(t testing.TB, csrf string) (contentType, body string) {
	t.Helper()
	v := withToken(f.Fields, csrf)
	if csrf == "" {
		v.Del("csrf")
	}
	if !f.IsUpload {
		return "application/x-www-form-urlencoded", v.Encode()
	}
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	for name := range v {
		if name == "file" {
			continue
		}
		if err := w.WriteField(name, v.Get(name)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "items.jsonl")
	if err == nil {
		_, err = io.WriteString(file, `{"id":"planted","title":"Planted"}`+"\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), text.String()
}

// token returns the CSRF token of a page's first form.
func (p page) token() string {
	for _, n := range p.all("input") {
		if attribute(n, "name") == "csrf" {
			return attribute(n, "value")
		}
	}
	return ""
}

// grid is a table of a page.
type grid struct {
	Caption string
	Heads   []string
	Rows    [][]string
}

// grids returns the tables of a page, with those of charts.
func (p page) grids() (all []grid) {
	for _, n := range p.all("table") {
		g := grid{}
		for _, c := range below(n, "caption") {
			g.Caption = textOf(c)
		}
		for i, tr := range below(n, "tr") {
			var cells []string
			for _, c := range append(below(tr, "th"), below(tr, "td")...) {
				cells = append(cells, textOf(c))
			}
			if i == 0 {
				g.Heads = cells
			} else {
				g.Rows = append(g.Rows, cells)
			}
		}
		all = append(all, g)
	}
	return all
}

// cards returns the figures of a page by their labels.
func (p page) cards() map[string]string {
	found := map[string]string{}
	for _, n := range p.all("p") {
		if attribute(n, "class") == "label" {
			for v := n.NextSibling; v != nil; v = v.NextSibling {
				if v.Data == "p" && attribute(v, "class") == "value" {
					found[textOf(n)] = textOf(v)
				}
			}
		}
	}
	return found
}

// items returns the definition lists of a page by their terms.
func (p page) items() map[string]string {
	found := map[string]string{}
	for _, n := range p.all("dt") {
		for v := n.NextSibling; v != nil; v = v.NextSibling {
			if v.Data == "dd" {
				found[textOf(n)] = textOf(v)
			}
		}
	}
	return found
}

func (p page) all(element string) []*html.Node {
	if p.root == nil {
		return nil
	}
	return below(p.root, element)
}

// below returns the elements of a kind below a node, in their order.
func below(n *html.Node, element string) (all []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == element {
			all = append(all, d)
		}
	}
	return all
}

func find(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func attribute(n *html.Node, name string) string {
	value, _ := find(n, name)
	return value
}

var space = regexp.MustCompile(`[\s\x{a0}\x{202f}\x{2009}]+`)

// textOf returns the text of a node; "" for nil, as of a redirection.
func textOf(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.TrimSpace(space.ReplaceAllString(b.String(), " "))
}

// api sends a request to the admin API. It returns the status, the content type and the body.
func (s *server) api(token, method, path, contentType, body string) (int, string, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.AdminURL+"/api/v1"+path, strings.NewReader(body))
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := s.client.Do(req)
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return res.StatusCode, res.Header.Get("Content-Type"), text
}

// apiOperation is an operation in the OpenAPI document.
type apiOperation struct {
	Method, Path string
	Description  string
	Parameters   []struct {
		Name, In string
		Example  any
		Content  map[string]struct{ Example any }
	}
	RequestBody struct {
		Content map[string]struct{ Example any }
	}
	Responses map[string]struct {
		Content map[string]any
		Ref     string `json:"$ref"`
	}
}

// apiOperations returns the operations in the document of the running server, with the methods in
// the given order.
func (s *server) apiOperations(token string, methods ...string) (all []apiOperation) {
	s.t.Helper()
	status, _, text := s.api(token, "GET", "/openapi.json", "", "")
	if status != http.StatusOK {
		s.t.Fatalf("the document: %d %s", status, text)
	}
	var doc struct {
		Paths map[string]map[string]apiOperation
	}
	s.must(json.Unmarshal(text, &doc))
	for path, of := range doc.Paths {
		for method, o := range of {
			o.Method, o.Path = strings.ToUpper(method), path
			all = append(all, o)
		}
	}
	rank := func(o apiOperation) int { return slices.Index(methods, o.Method) }
	all = slices.DeleteFunc(all, func(o apiOperation) bool { return rank(o) < 0 })
	slices.SortFunc(all, func(a, b apiOperation) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a.Path, b.Path)
	})
	return all
}

// example returns the documented request: the path with its query, the content type and the body.
func (o apiOperation) example(t testing.TB) (path, contentType, body string) {
	t.Helper()
	path, q := o.Path, url.Values{}
	for _, p := range o.Parameters {
		example := p.Example
		for _, c := range p.Content {
			example = c.Example
		}
		if example == nil {
			continue
		}
		text, isText := example.(string)
		if !isText {
			raw, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			if list, isList := example.([]any); isList && len(p.Content) == 0 {
				for _, value := range list {
					q.Add(p.Name, fmt.Sprint(value))
				}
				continue
			}
			q.Set(p.Name, text)
		}
	}
	if strings.Contains(path, "{") {
		t.Fatalf("%s %s: a parameter of the path has no example", o.Method, o.Path)
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	for kind, c := range o.RequestBody.Content {
		if c.Example == nil {
			continue
		}
		contentType = kind
		if body, _ = c.Example.(string); body == "" {
			raw, err := json.Marshal(c.Example)
			if err != nil {
				t.Fatal(err)
			}
			body = string(raw)
		}
	}
	return path, contentType, body
}

func (o apiOperation) String() string { return fmt.Sprintf("%s %s", o.Method, o.Path) }
