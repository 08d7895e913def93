package backends

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "stile.example/stile/commands" // a change of the program runs these tests again
	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/peers"
)

// newPublisher is the real server, with one item.
func newPublisher(t *testing.T) *stiletest.Server {
	t.Helper()
	binary, err := stiletest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir()}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	if err := os.WriteFile(filepath.Join(s.Dir, "corpus.jsonl"), []byte(`{"id":"one","title":"One"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Command("content", "import", "corpus.jsonl"); err != nil {
		t.Fatal(err)
	}
	return s
}

// middle stands between a back-end and the publisher, and can lose what is
// sent through it.
type middle struct {
	*httptest.Server
	mode atomic.Value // string
}

func newMiddle(t *testing.T, publisher string) *middle {
	to, err := url.Parse(publisher)
	if err != nil {
		t.Fatal(err)
	}
	m, through := &middle{}, httputil.NewSingleHostReverseProxy(to)
	m.mode.Store("through")
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch m.mode.Load() {
		case "through":
			through.ServeHTTP(w, r)
		case "hang":
			io.Copy(io.Discard, r.Body) // so that the server sees the client go
			<-r.Context().Done()
		default:
			io.WriteString(w, "<html>maintenance</html>")
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// backend is one that runs, and its tenant.
type backend struct {
	*testing.T
	stile          *stiletest.Server
	middle         *middle
	program        *peers.Program
	client, secret string
	said           strings.Builder // all that it has answered, but tokens
}

func (b *backend) must(value string, err error) string {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// given is what the back-end answers a page.
type given struct {
	Status       int
	CacheControl string
	Token        string `json:"access_token"`
	Error        string `json:"error"`
}

// ask sends what a page's fetch would, with these headers.
func (b *backend) ask(method string, header map[string]string) (g given) {
	b.Helper()
	req, err := http.NewRequest(method, b.program.URL+"/stile/token", nil)
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		b.Fatalf("%v\n%s", err, b.program.Output())
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	json.Unmarshal(body, &g) // where it is none, the fields stay empty
	g.Status, g.CacheControl = res.StatusCode, res.Header.Get("Cache-Control")
	if g.Token == "" {
		b.said.Write(body)
	}
	return g
}

// ownPage is what a browser adds to a request of the site's own page.
var ownPage = map[string]string{"Sec-Fetch-Site": "same-origin"}

func hasLine(text []byte, line string) bool {
	return slices.Contains(strings.Split(string(text), "\n"), line)
}
