package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files are the contents of all files under the server's data directory.
func (s *site) files() map[string]string {
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
		s.t.Fatal("no data")
	}
	return all
}

// signature is the part of a token that nobody can make up: where it stands,
// the token has been written down.
func signature(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

// TestS10Secrets sends canaries through every route, in every place that takes
// one, and looks for them in logs, metrics, errors and data.
func TestS10Secrets(t *testing.T) {
	s := newSite(t, "log: {level: debug}")
	tokens := s.tokens(3)
	used, foreign := tokens[0], "canaryjwt.canarypayload.canarysignature"
	secret := "canary-secret-" + strings.Repeat("x", 30)
	canaries := []string{signature(used), signature(tokens[1]), s.secret, "canaryjwt", "canarysignature", secret, "canary-proof", "canary-answer"}

	var said strings.Builder
	for _, path := range []string{
		"/v1/items", "/v1/items/i1", "/v1/items/none", "/v1/items/i1/related", "/v1/suggest", "/v1/collections", "/v1/token",
		"/v1/challenges/x/answer", "/v1/challenges/x/reload", "/v1/nothing", "/nothing", "/oauth/token", "/oauth/introspect",
		"/oauth/revoke", "/healthz", "/readyz", "/problems/token_invalid", "/.well-known/jwks.json",
	} {
		for _, token := range []string{used, tokens[1] + "x", foreign} {
			for _, q := range []string{
				params("client_id", "acme", "access_token", token),
				params("client_id", "other", "access_token", token, "callback", "cb"),
				params("client_id", "acme", "access_token", token, "limit", "x", "q", "%zz", "cursor", token, "proof", "canary-proof"),
				params("access_token", token, "access_token", token, "answer", "canary-answer"),
				"access_token=" + token + "&client_id=%zz",
			} {
				_, body := s.raw("GET", path+"?"+q, http.Header{"Referer": {"https://a.example/?access_token=" + token}}, "")
				said.WriteString(body)
				_, body = s.raw("POST", path, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, q+"&client_secret="+secret+"&token="+token)
				said.WriteString(body)
			}
			_, body := s.raw("GET", path, http.Header{"Authorization": {"Bearer " + token}, "Dpop": {"canary-proof"}}, "")
			said.WriteString(body)
			_, body = s.raw("POST", path, http.Header{"Authorization": {"Basic " + s.secret}}, "grant_type=x")
			said.WriteString(body)
		}
	}
	res, err := http.Get(s.AdminURL + "/metrics")
	s.must(err)
	metrics := make([]byte, 1<<20)
	n, _ := res.Body.Read(metrics)
	res.Body.Close()
	s.must(s.Stop())

	places := s.files()
	places["an answer"], places["the log"], places["the metrics"] = said.String(), s.Log(), string(metrics[:n])
	for where, text := range places {
		if len(text) == 0 && !strings.Contains(where, "stile.") {
			t.Errorf("%s is empty", where)
		}
		for _, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("%s holds %.20s…", where, canary)
			}
		}
	}
}

// TestS11Storage: a secret that works stands nowhere in the data, and the
// files that hold keys are the server's alone.
func TestS11Storage(t *testing.T) {
	s := newSite(t, "")
	if _, err := s.Token("acme", s.secret); err != nil {
		t.Fatal(err)
	}
	s.must(s.Stop())
	for file, text := range s.files() {
		if strings.Contains(text, s.secret) {
			t.Errorf("%s holds the client's secret", file)
		}
		info, err := os.Stat(file)
		s.must(err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", file, info.Mode())
		}
	}
}
