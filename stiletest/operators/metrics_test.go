package operators

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/stiletest"
	"stile.example/stile/tokens"
)

// labelValues has the values that each label of stile's metrics may have: none of them is chosen by
// a client.
var labelValues = map[string][]string{
	"tenant": {"", "acme"},
	"route":  routeNames(),
	"code":   codeNames(),
	"kind":   {"work", "picture", "allow", "block", "crowded"},
	"result": {"asked", "solved", "failed", "reloaded"},
	"mode":   {"address", "key"},
	"op":     {"step", "search", "item", "related", "collections", "suggest"},
}

func routeNames() (names []string) {
	for r := range tokens.Routes {
		names = append(names, tokens.Route(r).String())
	}
	return names
}

func codeNames() (names []string) {
	for _, c := range codes.All() {
		names = append(names, string(c.Code))
	}
	return names
}

// TestMetrics checks the metrics of a server that was sent values of all kinds: promtool accepts
// them, and no label has a value that a client chose, an address or a token.
func TestMetrics(t *testing.T) {
	s, token := busyServer(t)
	text := string(body(t, s.AdminURL+"/metrics"))
	checkByPromtool(t, text)
	for name, f := range families(t, text) {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasPrefix(name, "stile_") && !slices.Contains(labelValues[l.GetName()], l.GetValue()) {
					t.Errorf("%s: the label %s has the value %q, which is not one of %q", name, l.GetName(), l.GetValue(), labelValues[l.GetName()])
				}
			}
		}
	}
	address := regexp.MustCompile(`127\.0\.0\.|203\.0\.113|::1`)
	if strings.Contains(text, "canary") || strings.Contains(text, token[:20]) || address.MatchString(text) {
		t.Errorf("the metrics contain what a client sent:\n%s", text)
	}
}

// busyServer starts a server, and sends calls and what must be refused, with canaries in all that a
// client can choose.
func busyServer(t *testing.T) (*stiletest.Server, string) {
	t.Helper()
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir()}
	token := start(t, s)
	for _, path := range []string{
		"/v1/items?client_id=acme&access_token=" + token, "/v1/items/canary?client_id=acme&access_token=" + token,
		"/v1/collections?client_id=acme&access_token=" + token, "/v1/suggest?q=canary&client_id=acme&access_token=" + token,
		"/v1/items?client_id=canary&access_token=" + token, "/v1/items?client_id=acme&access_token=canary",
		"/canary", "/v1/items?callback=canary.canary", "/v1/challenges/canary/answer?client_id=acme&answer=canary&access_token=" + token,
	} {
		for _, method := range []string{"GET", "POST", "CANARY"} {
			req, err := http.NewRequest(method, s.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range []string{"User-Agent", "Origin", "Referer", "Traceparent", "X-Request-Id", "Accept-Language"} {
				req.Header.Set(h, "canary")
			}
			req.Header.Set("X-Forwarded-For", "203.0.113.7")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"canary"}, "client_secret": {"canary"}}
	if res, err := http.PostForm(s.URL+"/oauth/token", form); err == nil {
		res.Body.Close()
	}
	return s, token
}

// start starts a server, and returns a token of its tenant acme.
func start(t *testing.T, s *stiletest.Server) string {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	secret, err := s.Tenant("acme")
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Token("acme", secret)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// body returns the body of a response with status 200.
func body(t *testing.T, target string) []byte {
	t.Helper()
	res, err := http.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", target, res.Status, err)
	}
	return b
}

// families parses the text format.
func families(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	found, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// promtool returns the path of promtool, and skips the test if the machine does not have it.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("NOT TESTED: promtool is missing: apt-get install prometheus")
	}
	return path
}

// checkByPromtool runs promtool check metrics. Its complaints about Go's own metrics, whose names
// are not chosen here, are ignored.
func checkByPromtool(t *testing.T, text string) {
	t.Helper()
	cmd := exec.Command(promtool(t), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	for line := range strings.Lines(said.String()) {
		if !strings.HasPrefix(line, "go_") {
			t.Errorf("promtool: %s", line)
		}
	}
	if err != nil && said.Len() == 0 {
		t.Errorf("promtool: %v", err)
	}
}
