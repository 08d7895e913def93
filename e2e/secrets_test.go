package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files returns the contents of all files in the server's data directory, by path.
func (s *server) files() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	s.must(filepath.WalkDir(filepath.Join(s.Dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	if len(all) == 0 {
		s.t.Fatal("the data directory has no files")
	}
	return all
}

// signature returns the signature of a token. A text that contains it contains the secret part of
// the token.
func signature(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

// TestS10Secrets sends tokens and recognisable secrets to every route, wherever one is accepted.
// None may be in logs, metrics, responses or data.
func TestS10Secrets(t *testing.T) {
	s := newServer(t, "log: {level: debug}")
	tokens := s.tokens(3)
	const foreign = "canaryjwt.canarypayload.canarysignature"
	secret := "canary-secret-" + strings.Repeat("x", 30)
	canaries := []string{signature(tokens[0]), signature(tokens[1]), s.secret, "canaryjwt", "canarysignature", secret, "canary-proof", "canary-answer"}

	var bodies strings.Builder
	for _, path := range []string{
		"/v1/items", "/v1/items/i1", "/v1/items/none", "/v1/items/i1/related", "/v1/suggest", "/v1/collections", "/v1/token",
		"/v1/challenges/x/answer", "/v1/challenges/x/reload", "/v1/nothing", "/nothing", "/oauth/token", "/oauth/introspect",
		"/oauth/revoke", "/healthz", "/readyz", "/problems/token_invalid", "/.well-known/jwks.json",
	} {
		for _, token := range []string{tokens[0], tokens[1] + "x", foreign} {
			s.sendCanaries(&bodies, path, token, secret)
		}
	}
	metrics := s.metrics()
	s.must(s.Stop())

	texts := s.files()
	texts["a response"], texts["the log"], texts["the metrics"] = bodies.String(), s.Log(), metrics
	for name, text := range texts {
		if len(text) == 0 && !strings.Contains(name, "stile.") {
			t.Errorf("%s is empty", name)
		}
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s contains %.20s…", name, canary)
			}
		}
	}
}

// sendCanaries sends a token, a secret and other canaries to a path, by query, form and header. It
// appends the bodies of the responses.
func (s *server) sendCanaries(bodies *strings.Builder, path, token, secret string) {
	s.t.Helper()
	send := func(method, path string, header http.Header, body string) {
		s.t.Helper()
		_, text := s.raw(method, path, header, body)
		bodies.WriteString(text)
	}
	for _, q := range []string{
		params("client_id", "acme", "access_token", token),
		params("client_id", "other", "access_token", token, "callback", "cb"),
		params("client_id", "acme", "access_token", token, "limit", "x", "q", "%zz", "cursor", token, "proof", "canary-proof"),
		params("access_token", token, "access_token", token, "answer", "canary-answer"),
		"access_token=" + token + "&client_id=%zz",
	} {
		send("GET", path+"?"+q, http.Header{"Referer": {"https://a.example/?access_token=" + token}}, "")
		form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		send("POST", path, form, q+"&client_secret="+secret+"&token="+token)
	}
	send("GET", path, http.Header{"Authorization": {"Bearer " + token}, "Dpop": {"canary-proof"}}, "")
	send("POST", path, http.Header{"Authorization": {"Basic " + s.secret}}, "grant_type=x")
}

// TestS11Storage: the data does not contain a client's secret, and only the server's user can read
// its files.
func TestS11Storage(t *testing.T) {
	s := newServer(t, "")
	if _, err := s.Token("acme", s.secret); err != nil {
		t.Fatal(err)
	}
	s.must(s.Stop())
	for file, text := range s.files() {
		if strings.Contains(text, s.secret) {
			t.Errorf("%s contains the client's secret", file)
		}
		info, err := os.Stat(file)
		s.must(err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("the mode of %s is %v, want no access for others", file, info.Mode())
		}
	}
}
