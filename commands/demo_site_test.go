package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestDemoSite does over the network what the panel's buttons do. The site gives each of its pages
// a new token, and each button causes the refusal that it names.
func TestDemoSite(t *testing.T) {
	h := newHarness(t, "")
	h.serve("--demo", "--demo-listen", "127.0.0.1:0")
	if s := h.out.String(); !strings.Contains(s, h.site()+"    open it in a browser") || strings.Contains(h.log.String(), "client_secret") {
		t.Errorf("the output of the demo does not name its site %s:\n%s", h.site(), s)
	}
	first, second, third := h.siteToken(), h.siteToken(), h.siteToken()
	if first == second || second == third {
		t.Fatal("two browsers got the same token")
	}
	for _, token := range []string{first, second, third} {
		h.wantCode(token, "")
	}

	h.post("/trouble/revoke", url.Values{"token": {first}})
	h.wantCode(first, "token_revoked")

	var copied struct{ Address, Code, Ref string }
	if err := json.Unmarshal(h.post("/trouble/elsewhere", url.Values{"token": {second}}), &copied); err != nil {
		t.Fatal(err)
	}
	if copied.Code != "token_hijacked" || copied.Address != "203.0.113.9" {
		t.Errorf("the other caller got %+v", copied)
	}
	h.wantCode(second, "token_hijacked")
	if out := h.must("explain", copied.Ref); !strings.Contains(out, "token_hijacked") || !strings.Contains(out, "203.0.113") {
		t.Errorf("explain: %s", out)
	}
	h.wantCode(third, "")
	h.wantExhausted(third)
}

// wantExhausted checks that 30 calls of 50 items exhaust a token, as the panel says.
func (h *harness) wantExhausted(token string) {
	h.t.Helper()
	for range 30 {
		h.get("/v1/items?limit=50&client_id=demo", token)
	}
	h.wantCode(token, "token_exhausted")
}

// TestDemoSites checks that pages of other origins can't use the demo's tokens.
func TestDemoSites(t *testing.T) {
	h := newHarness(t, "")
	h.serve("--demo", "--demo-listen", "127.0.0.1:0")
	token := h.siteToken()
	for origin, want := range map[string]int{h.site(): 200, strings.Replace(h.site(), "localhost", "127.0.0.1", 1): 200, "https://evil.example": 403} {
		req, err := http.NewRequest("GET", h.public+"/v1/items?limit=1&client_id=demo", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Origin", origin)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("a page of %s: %d, want %d", origin, res.StatusCode, want)
		}
	}
}

// TestDemoListen checks that an address that the site can't use is refused, with what to do.
func TestDemoListen(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	busy := strings.TrimPrefix(h.public, "http://")
	other := newHarness(t, "")
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--demo --demo-listen " + busy, failed, "choose another address with --demo-listen"},
		{"--demo-listen 127.0.0.1:0", usageError, "needs --demo"},
		{"--demo --demo-listen 8090", usageError, "must be an address such as"},
		{"--demo --demo-listen 192.0.2.1:8090", usageError, "for this machine only"},
		{"--demo --demo-listen example.org:8090", usageError, "for this machine only"},
	} {
		// Stops a server that starts by mistake.
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var err bytes.Buffer
		code := other.program(io.Discard, &err).main(ctx, append([]string{"serve"}, strings.Fields(c.args)...))
		cancel()
		if code != c.code || !strings.Contains(err.String(), c.says) {
			t.Errorf("serve %s: exit %d, %s", c.args, code, &err)
		}
	}
	other.must("tenant", "list")
}

// site returns the origin of the demo tenant's site.
func (h *harness) site() string {
	at := h.server.Addr("demo")
	return strings.Replace("http://"+at, "127.0.0.1", "localhost", 1)
}

// post sends a form to the site, as one of its pages does.
func (h *harness) post(path string, form url.Values) []byte {
	h.t.Helper()
	req, err := http.NewRequest("POST", h.site()+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", h.site())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		h.t.Fatalf("POST %s: %d %s %v", path, res.StatusCode, body, err)
	}
	return body
}

func (h *harness) siteToken() string {
	h.t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(h.post("/stile/token", nil), &got); err != nil || got.Token == "" {
		h.t.Fatalf("no token: %v", err)
	}
	return got.Token
}

// wantCode makes a call and checks the code of its refusal; "" means that the call is answered.
func (h *harness) wantCode(token, want string) {
	h.t.Helper()
	_, body := h.get("/v1/items?limit=1&client_id=demo", token)
	var got struct{ Error struct{ Code string } }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Error.Code != want {
		h.t.Errorf("a call was answered with %q, want %q: %.200s", got.Error.Code, want, body)
	}
}
