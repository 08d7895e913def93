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

	_ "stile.example/stile/commands" // so that a change of the program invalidates cached test results
	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/peers"
)

// newPublisher starts the real server, with one item.
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

// proxy forwards the requests of a back-end to the publisher, and simulates outages: mode is
// "forward", "hang" or "not JSON".
type proxy struct {
	*httptest.Server
	mode atomic.Value // string
}

func newProxy(t *testing.T, publisher string) *proxy {
	to, err := url.Parse(publisher)
	if err != nil {
		t.Fatal(err)
	}
	p, forward := &proxy{}, httputil.NewSingleHostReverseProxy(to)
	p.mode.Store("forward")
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p.mode.Load() {
		case "forward":
			forward.ServeHTTP(w, r)
		case "hang":
			io.Copy(io.Discard, r.Body) // so that the server notices when the client disconnects
			<-r.Context().Done()
		default:
			io.WriteString(w, "<html>maintenance</html>")
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// backend is a running back-end and its tenant.
type backend struct {
	*testing.T
	stile          *stiletest.Server
	proxy          *proxy
	program        *peers.Program
	client, secret string
	bodies         strings.Builder // of all responses without a token
}

func (b *backend) must(value string, err error) string {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	return value
}

// response is the back-end's response to a page.
type response struct {
	Status       int
	CacheControl string
	Token        string `json:"access_token"`
	Error        string `json:"error"`
}

// send sends the request that a page's fetch would send, with these headers.
func (b *backend) send(method string, header map[string]string) (g response) {
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
	json.Unmarshal(body, &g) // if it is not JSON, the fields stay empty
	g.Status, g.CacheControl = res.StatusCode, res.Header.Get("Cache-Control")
	if g.Token == "" {
		b.bodies.Write(body)
	}
	return g
}

// ownPage are the headers that a browser adds to a request of the site's own page.
var ownPage = map[string]string{"Sec-Fetch-Site": "same-origin"}

func hasLine(text []byte, line string) bool {
	return slices.Contains(strings.Split(string(text), "\n"), line)
}
