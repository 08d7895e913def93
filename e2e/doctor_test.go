package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// finding is what `stile doctor --json` prints.
type finding struct{ Finding, Severity, Evidence, Fix string }

// cachingBackend is a tenant's back-end with a mistake: it keeps one token for each of its pages.
func (s *server) cachingBackend() *httptest.Server {
	var mu sync.Mutex
	cached := map[string]string{}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if cached[r.URL.Path] == "" {
			token, err := s.Token("acme", s.secret)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			cached[r.URL.Path] = token
		}
		fmt.Fprint(w, cached[r.URL.Path])
	}))
	s.t.Cleanup(backend.Close)
	return backend
}

// openPage loads a page of the back-end in a browser at an address: it gets the page's token, and
// calls.
func (s *server) openPage(backend *httptest.Server, page, from string) string {
	s.t.Helper()
	resp, err := s.client.Post(backend.URL+page, "", nil)
	s.must(err)
	defer resp.Body.Close()
	token, err := io.ReadAll(resp.Body)
	s.must(err)
	a, err := s.get("/v1/items", string(token), from)
	s.must(err)
	return a.code()
}

// TestDoctorFindsACache lets a back-end cache six tokens, opens each of its pages in five browsers,
// and runs the doctor after a restart of the server: the example can still be explained.
func TestDoctorFindsACache(t *testing.T) {
	s := newServer(t, trusting)
	var found []finding
	s.must(s.CommandJSON(&found, "doctor", "acme"))
	if len(found) != 1 || found[0].Finding != "There are no calls yet." || !strings.Contains(found[0].Fix, "data-client-id=\"acme\"") {
		t.Errorf("before the first call: %+v", found)
	}
	s.command("tenant", "set", "acme", "--site", "https://acme.example")
	backend := s.cachingBackend()
	refused := 0
	for page := range 6 {
		for browser := range 5 {
			if s.openPage(backend, fmt.Sprint("/page", page), fmt.Sprintf("198.51.100.%d", 1+browser)) != "" {
				refused++
			}
		}
	}
	if refused != 24 {
		t.Errorf("%d calls were refused, want 24", refused)
	}
	s.must(s.Stop())
	s.must(s.Start())
	s.must(s.CommandJSON(&found, "doctor", "acme"))
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	f := found[0]
	if f.Severity != "critical" || !strings.Contains(f.Finding, "caches tokens") || !strings.Contains(f.Fix, "Cache-Control: no-store") ||
		!strings.Contains(f.Evidence, "6 tokens were used by several browsers each, one of them by 5 browsers") {
		t.Errorf("%+v", f)
	}
	_, ref, _ := strings.Cut(f.Evidence, "ref ")
	if out := s.command("explain", strings.TrimSuffix(ref, ".")); !strings.Contains(out, "token_hijacked") {
		t.Errorf("the example: %s", out)
	}
	s.checkOwnView()
	s.checkFixEverywhere()
	if out := s.command("doctor", "acme"); !strings.HasPrefix(out, "CRITICAL: The back-end caches tokens") || !strings.Contains(out, `w.Header().Set("Cache-Control", "no-store")`) {
		t.Errorf("for people: %s", out)
	}
}

// checkFix checks that a page or a response has the finding, and the line of code to change.
func (s *server) checkFix(where, text string) {
	s.t.Helper()
	for _, want := range []string{"The back-end caches tokens", "6 tokens were used by several browsers each, one of them by 5 browsers", "Cache-Control: no-store", `w.Header().Set("Cache-Control", "no-store")`} {
		if !strings.Contains(text, want) {
			s.t.Errorf("%s: no %q in %.3000s", where, want, text)
		}
	}
}

// checkFixEverywhere checks the finding in the console, the admin API and the own view.
func (s *server) checkFixEverywhere() {
	s.t.Helper()
	owner := s.addAdmin("alice", "owner")
	s.checkFix("the tenant's page", textOf(s.signIn(owner).get("/tenants/acme").root))
	s.checkFix("the own view", textOf(s.ownView().get("/developers/").root))
	var found struct{ Data []finding }
	status, _, text := s.api(owner.Token, "GET", "/tenants/acme/doctor", "", "")
	if err := json.Unmarshal(text, &found); err != nil || status != http.StatusOK || len(found.Data) != 1 {
		s.t.Fatalf("the admin API: %d %v %s", status, err, text)
	}
	s.checkFix("the admin API", found.Data[0].Finding+found.Data[0].Evidence+found.Data[0].Fix)
}

// checkOwnView opens a link to the own view of acme on the public listener, and checks that its
// page has the finding and the strict policy, and that the log does not contain the link.
func (s *server) checkOwnView() {
	s.t.Helper()
	var link struct{ URL string }
	s.must(s.CommandJSON(&link, "tenant", "link", "add", "acme"))
	base, secret, _ := strings.Cut(link.URL, "#")
	browser := &http.Client{}
	jar, err := cookiejar.New(nil)
	s.must(err)
	browser.Jar = jar
	resp, err := browser.PostForm(s.URL+"/developers/open", url.Values{"link": {secret}})
	s.must(err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	s.must(err)
	if resp.StatusCode != 200 || !strings.HasSuffix(base, "/developers/") || !strings.Contains(string(page), "The back-end caches tokens") {
		s.t.Errorf("the own view: %d, %s", resp.StatusCode, page)
	}
	if strings.Contains(s.Log(), secret) || resp.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'") {
		s.t.Errorf("headers %v, or the link is in the log", resp.Header)
	}
}
