package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "stile.example/stile/commands" // so that a change of the program invalidates cached test results
	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/ports"
)

var binary string

func TestMain(m *testing.M) {
	code := stiletest.Main(m, &binary)
	os.RemoveAll(venvDir)
	os.Exit(code)
}

var venvDir string // of sharedVenv; "" until it is called

// sharedVenv installs the Python packages of all tests, once, and returns the path of Python. Its
// time counts for all tests that wait for it.
var sharedVenv = sync.OnceValues(func() (python string, err error) {
	if venvDir, err = os.MkdirTemp("", "stile-venv"); err != nil {
		return "", err
	}
	if err := os.CopyFS(venvDir, os.DirFS("testdata/python")); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), clientsTimeout)
	defer cancel()
	return Venv(ctx, venvDir)
})

// site is a stile server whose port is chosen before it starts.
type site struct {
	*testing.T
	*stiletest.Server
}

func newSite(t *testing.T) *site {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t, &stiletest.Server{Binary: binary, Dir: t.TempDir(), Env: stiletest.NoChallenges()}}
	s.URL, s.AdminURL = fmt.Sprintf("http://127.0.0.1:%d", port), "http://127.0.0.1:0"
	return s
}

// start starts the server with these settings, and imports one item.
func (s *site) start(settings string) {
	s.Helper()
	s.Settings = "public_url: " + s.URL + "\ntrusted_proxies: [127.0.0.1/32]\n" + settings
	s.must(s.Start())
	s.Cleanup(func() { s.Kill() })
	s.write("corpus.jsonl", `{"id":"one","title":"One"}`)
	_, err := s.Command("content", "import", "corpus.jsonl")
	s.must(err)
}

// write writes a file into the server's directory.
func (s *site) write(name, text string) (file string) {
	s.Helper()
	file = filepath.Join(s.Dir, name)
	s.must(os.WriteFile(file, []byte(text), 0o600))
	return file
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// call makes a call as a page of acme does, from an address. It returns "admitted", or the code of
// the refusal.
func (s *site) call(token, from string) string { return s.callWith(token, "", from) }

// callWith is call with a proof, if it is not empty.
func (s *site) callWith(token, proof, from string) string {
	s.Helper()
	form := url.Values{"client_id": {"acme"}, "access_token": {token}}
	req, err := http.NewRequest("POST", s.URL+"/v1/items", strings.NewReader(form.Encode()))
	s.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Forwarded-For", from)
	if proof != "" {
		req.Header.Set("DPoP", proof)
	}
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	defer res.Body.Close()
	var body struct {
		Data  []struct{ ID string }
		Error struct{ Code string }
	}
	s.must(json.NewDecoder(res.Body).Decode(&body))
	if len(body.Data) == 1 && body.Data[0].ID == "one" {
		return "admitted"
	}
	return body.Error.Code
}
