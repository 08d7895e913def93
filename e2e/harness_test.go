// Package e2e tests the real program: its binary, its files and its sockets. It covers what one
// package alone can't show: exact counts under load, crashes, a full disk, malformed input, secrets
// in logs, and each property of docs/security.md in a file with its number.
//
// It contains only tests. They forge source addresses with X-Forwarded-For, from a proxy that the
// settings trust.
package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "stile.example/stile/commands" // so that a change of the program invalidates cached test results
	"stile.example/stile/stiletest"
)

var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if err := chooseTests(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(stiletest.Main(m, &binary))
}

// trusting makes the server trust X-Forwarded-For from the tests.
const trusting = "trusted_proxies: [127.0.0.1/32]\n"

// server is a running server with a corpus of 30 items and the tenant acme. Unless it is strict,
// its limits are so high that no call meets a challenge.
type server struct {
	*stiletest.Server
	t      testing.TB
	secret string
	client *http.Client
}

func newServer(t testing.TB, settings string) *server {
	t.Helper()
	return startServer(t, unstarted(t, settings))
}

// newStrictServer starts a server whose limits have their default values.
func newStrictServer(t testing.TB, settings string) *server {
	t.Helper()
	program := unstarted(t, settings)
	program.Env = nil
	return startServer(t, program)
}

// startServer starts the program, imports the corpus and adds the tenant.
func startServer(t testing.TB, program *stiletest.Server) *server {
	t.Helper()
	s := &server{t: t, Server: program, client: newClient()}
	s.must(s.Start())
	t.Cleanup(func() { s.Kill() })
	s.fillCorpus()
	return s
}

// unstarted returns a program with an empty data directory, not yet started. It is several nodes if
// the tests run on these.
func unstarted(t testing.TB, settings string) *stiletest.Server {
	t.Helper()
	return &stiletest.Server{Binary: binary, Dir: t.TempDir(), Settings: settings, Env: stiletest.NoChallenges(), Nodes: threeNodes(t)}
}

// newClient returns a client that closes idle connections before the server does: a form that is
// sent while the server closes its connection is lost.
func newClient() *http.Client {
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1000, IdleConnTimeout: 5 * time.Second}}
}

// fillCorpus imports 30 items and adds the tenant.
func (s *server) fillCorpus() {
	s.t.Helper()
	var corpus strings.Builder
	for n := range 30 {
		fmt.Fprintf(&corpus, `{"id":"i%d","collection":"c%d","title":"Item number %d","body":"<p>Some words.</p>","tags":["t"]}`+"\n", n, n%3, n)
	}
	s.write("corpus.jsonl", corpus.String())
	s.command("content", "import", "corpus.jsonl")
	var err error
	s.secret, err = s.Tenant("acme")
	s.must(err)
}

func (s *server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600))
}

func (s *server) command(args ...string) string {
	s.t.Helper()
	out, err := s.Command(args...)
	s.must(err)
	return out
}

// tokens obtains n tokens for acme.
func (s *server) tokens(n int) []string {
	s.t.Helper()
	list := make([]string, n)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				var err error
				if list[i], err = s.Token("acme", s.secret); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		s.t.Fatal(err)
	default:
	}
	return list
}

// response is the body of a response of the content API, with its status.
type response struct {
	Status int
	Data   json.RawMessage
	Meta   struct {
		Token struct {
			Calls int
			Limit int `json:"calls_limit"`
		}
	}
	Error *struct {
		Code, Detail, Ref string
		RetryAfter        *int `json:"retry_after"`
		Challenge         *json.RawMessage
		Now               int64
	}
}

// code returns the code of a refusal, or "" if the response has data.
func (a response) code() string {
	if a.Error == nil {
		return ""
	}
	return a.Error.Code
}

// get requests a path of the content API with a token, from an address. An error means that there
// was no complete response.
func (s *server) get(path, token, from string) (response, error) {
	req, err := http.NewRequest("GET", s.URL+path, nil)
	if err != nil {
		return response{}, err
	}
	q := req.URL.Query()
	q.Set("client_id", "acme")
	req.URL.RawQuery = q.Encode()
	req.Header.Set("Authorization", "Bearer "+token)
	if from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	return s.do(req)
}

// do sends a request and reads the response.
func (s *server) do(req *http.Request) (response, error) {
	res, err := s.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	a := response{Status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("body: %w", err)
	}
	io.Copy(io.Discard, res.Body)
	if (a.Error == nil) == (a.Data == nil) {
		return a, fmt.Errorf("%s: the response must have either data or error", req.URL.Path)
	}
	return a, nil
}

// mustGet is get for calls that must get a response, with any code.
func (s *server) mustGet(path, token, from string) response {
	s.t.Helper()
	a, err := s.get(path, token, from)
	s.must(err)
	return a
}

// charged returns the number of calls in acme's usage.
func (s *server) charged() (calls int) {
	s.t.Helper()
	var lines []struct{ Calls int }
	s.must(s.CommandJSON(&lines, "usage", "--tenant", "acme"))
	for _, l := range lines {
		calls += l.Calls
	}
	return calls
}

// shown is the output of `stile token show`.
type shown struct {
	Active  bool
	Binding string
	Calls   int
	Limit   int `json:"calls_limit"`
	Reason  string
}

func (s *server) show(token string) (v shown) {
	s.t.Helper()
	s.must(s.CommandJSON(&v, "token", "show", token))
	return v
}

// raw sends any request, and returns the status and the body.
func (s *server) raw(method, path string, header http.Header, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	s.must(err)
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := s.client.Do(req)
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return res.StatusCode, string(text)
}

// params encodes names and values, in turn, as a query.
func params(kv ...string) string {
	q := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		q.Add(kv[i], kv[i+1])
	}
	return q.Encode()
}
