package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// transports are those of a call with a proof. A "header" call has the token and the proof in its
// header.
var transports = []string{"JSONP", "JSON", "form", "header"}

// methodOf returns the method of a transport's request.
func methodOf(transport string) string {
	if transport == "form" {
		return "POST"
	}
	return "GET"
}

// withProof makes a call with a proof.
func (s *server) withProof(transport, path, token, proof, from string) response {
	s.t.Helper()
	values := url.Values{"client_id": {"acme"}}
	header := http.Header{}
	method := methodOf(transport)
	if transport == "header" {
		header["Authorization"] = []string{"DPoP " + token}
		header["Dpop"] = []string{proof}
	} else {
		values.Set("access_token", token)
		values.Set("proof", proof)
	}
	if transport == "JSONP" {
		values.Set("callback", "cb")
	}
	if from != "" {
		header["X-Forwarded-For"] = []string{from}
	}
	var body string
	if method == "GET" {
		path += "?" + values.Encode()
	} else {
		body = values.Encode()
		header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	status, text := s.raw(method, path, header, body)
	if transport == "JSONP" {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "/**/ typeof cb === 'function' && cb("), ");")
	}
	a := response{Status: status}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.t.Fatalf("%s: %v: %s", transport, err, text)
	}
	return a
}

// proofBy returns a key's proof for a call that is made now.
func (s *server) proofBy(k stiletest.Key, transport, path, token string) string {
	return k.Proof(methodOf(transport), s.origin()+path, token, time.Now())
}

// origin returns the server's public URL.
func (s *server) origin() string {
	return "http://localhost" + s.URL[strings.LastIndexByte(s.URL, ':'):]
}

// waitForProofs waits until the server accepts proofs. After a restart it waits until no proof can
// be one that was used before.
func (s *server) waitForProofs() {
	s.t.Helper()
	k, token := stiletest.NewKey(), s.tokens(1)[0]
	s.until("", func() string {
		return s.withProof("header", "/v1/token", token, s.proofBy(k, "header", "/v1/token", token), "").code()
	})
}

// TestProofsAfterStart: a server that starts for the first time accepts proofs immediately, since
// none can have been used before. After a restart it can't know that, and waits.
func TestProofsAfterStart(t *testing.T) {
	s := newStrictServer(t, trusting)
	k, token := stiletest.NewKey(), s.tokens(1)[0]
	const path = "/v1/items/i1"
	if a := s.withProof("form", path, token, s.proofBy(k, "form", path, token), ""); a.code() != "" {
		t.Fatalf("the first call: %s", a.code())
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if code := s.withProof("form", path, token, s.proofBy(k, "form", path, token), "").code(); code != "overloaded" {
		t.Errorf("the first call after a restart: %q", code)
	}
}

// TestS7CopiedURL: a complete copy of a request is refused, from its own address and from another.
// So is its token without a proof, or with a proof by another key. Calls with the token's own key
// continue, even from other addresses.
func TestS7CopiedURL(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.waitForProofs()
	for i, transport := range transports {
		t.Run(transport, func(t *testing.T) {
			s := *s
			s.t = t
			own, other, token, from := stiletest.NewKey(), stiletest.NewKey(), s.tokens(1)[0], fmt.Sprintf("192.0.2.%d", i)
			const path = "/v1/items/i1"
			copied := s.proofBy(own, transport, path, token)
			if a := s.withProof(transport, path, token, copied, from); a.code() != "" {
				t.Fatalf("the first call: %s %+v", a.code(), a.Error)
			}
			for _, from := range []string{from, "203.0.113.9"} {
				if a := s.withProof(transport, path, token, copied, from); a.code() != "proof_invalid" || a.Error.Now == 0 {
					t.Errorf("the copied request from %s: %q", from, a.code())
				}
				if a := s.mustGet(path, token, from); a.code() != "proof_invalid" || a.Status != 401 {
					t.Errorf("the token without a proof from %s: %q", from, a.code())
				}
				if a := s.withProof(transport, path, token, s.proofBy(other, transport, path, token), from); a.code() != "token_hijacked" {
					t.Errorf("the token with another key's proof from %s: %q", from, a.code())
				}
			}
			for n := range 8 { // 7 addresses in addition to the first
				from := fmt.Sprintf("198.51.%d.%d", 100+i, n%7)
				if a := s.withProof(transport, path, token, s.proofBy(own, transport, path, token), from); a.code() != "" {
					t.Errorf("the token's own key from %s: %q", from, a.code())
				}
			}
			if v := s.show(token); !v.Active || v.Binding != "key" || v.Calls != 9 {
				t.Errorf("token show: %+v", v)
			}
		})
	}
}

// TestS8Proofs: proofs that three third-party packages make are valid once. Proofs that are wrong
// in one respect are invalid. After a restart, none of them is valid again.
func TestS8Proofs(t *testing.T) {
	s := newServer(t, "")
	s.waitForProofs()
	token := s.tokens(1)[0]
	valid, invalid := s.makeProofs(token)
	for _, p := range invalid {
		if a := s.sendProof(p, token); a.code() != "proof_invalid" || a.Status != 401 {
			t.Errorf("%s: %d %q", p.Description, a.Status, a.code())
		}
	}
	// Each package has a key of its own. The first proof binds the token, so the other keys are
	// foreign.
	for n, p := range valid {
		want := ""
		if n > 0 {
			want = "token_hijacked"
		}
		if a := s.sendProof(p, token); a.code() != want {
			t.Errorf("%s, %s: %q %+v, want %q", p.Description, p.Method, a.code(), a.Error, want)
		}
		// Nodes spend the proofs of the token's own key together. Those of other keys are refused anyway.
		if a := s.sendProof(p, token); a.code() != "proof_invalid" && (s.Nodes == nil || a.code() != want || want == "") {
			t.Errorf("%s, %s, the second time: %q", p.Description, p.Method, a.code())
		}
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	for n, p := range valid {
		if s.Nodes != nil && n > 0 {
			break // those of other keys are refused anyway
		}
		s.until("proof_invalid", func() string {
			code := s.sendProof(p, token).code()
			if code != "proof_invalid" && code != "overloaded" {
				t.Fatalf("%s, after a restart: %q", p.Description, code)
			}
			return code
		})
	}
}

// made is a proof that a third-party package made for /v1/items. Its description names the package,
// or the error.
type made struct {
	Description string `json:"what"`
	Method      string
	Proof       string
}

// makeProofs runs testdata/proofs for a token.
func (s *server) makeProofs(token string) (valid, invalid []made) {
	s.t.Helper()
	request := func(method string) map[string]string {
		return map[string]string{"method": method, "url": s.origin() + "/v1/items", "token": token}
	}
	var all struct{ Valid, Invalid []made }
	npm(s.t, "testdata/proofs", "proofs.mjs", map[string]any{"get": request("GET"), "post": request("POST")}, &all)
	if len(all.Valid) < 12 || len(all.Invalid) < 15 {
		s.t.Fatalf("%d valid and %d invalid proofs", len(all.Valid), len(all.Invalid))
	}
	return all.Valid, all.Invalid
}

// sendProof makes a call with a proof.
func (s *server) sendProof(p made, token string) response {
	s.t.Helper()
	transport := "header"
	switch {
	case p.Method == "POST":
		transport = "form"
	case strings.Contains(p.Proof, "\n"):
		transport = "JSON" // a header can't contain a line break
	}
	return s.withProof(transport, "/v1/items", token, p.Proof, "")
}

// npm installs the packages that the lock file in dir names, and runs a program of dir. It encodes
// input as JSON for its standard input, and decodes its standard output into output.
func npm(t testing.TB, dir, program string, input, output any) {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json", program} {
		text, err := os.ReadFile(dir + "/" + name)
		if err == nil {
			err = os.WriteFile(copied+"/"+name, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"}, {"node", program}} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		var stderr strings.Builder
		cmd.Dir, cmd.Stdin, cmd.Stderr = copied, strings.NewReader(string(in)), &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s (needs Node.js 20 or newer: apt-get install nodejs npm): %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		if args[0] != "node" {
			continue
		}
		if err := json.Unmarshal(out, output); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestS33RoamingInOneNetwork: the addresses of one /64 count as one address for roaming too.
func TestS33RoamingInOneNetwork(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {roaming: {addresses: 1}}")
	s.waitForProofs()
	k, token := stiletest.SameKey(), s.tokens(1)[0]
	for n := range 50 {
		from := fmt.Sprintf("2001:db8:7:7:%x::%x", n*17, n)
		if a := s.withProof("form", "/v1/items/i1", token, s.proofBy(k, "form", "/v1/items/i1", token), from); a.code() != "" {
			t.Fatalf("from %s: %q", from, a.code())
		}
	}
	a := s.withProof("form", "/v1/items/i1", token, s.proofBy(k, "form", "/v1/items/i1", token), "2001:db8:7:8::1")
	if a.code() != "challenge_required" {
		t.Errorf("from another /64: %q", a.code())
	}
}

// TestS34KeysCountOnce: ten visitors of one address, who return ten times with a new token each,
// count as ten. None is challenged.
func TestS34KeysCountOnce(t *testing.T) {
	s := newStrictServer(t, trusting)
	s.waitForProofs()
	const path, from = "/v1/items/i1", "192.0.2.1"
	keys := make([]stiletest.Key, 10)
	for n, token := range s.tokens(100) {
		if n < 10 {
			keys[n] = stiletest.NewKey()
		}
		if a := s.withProof("form", path, token, s.proofBy(keys[n%10], "form", path, token), from); a.code() != "" {
			t.Fatalf("visit %d: %s", n, a.code())
		}
	}
}

// TestS35CopiedTokens: a caller with copies of key-bound tokens can neither kill them nor get their
// visitors' address blocked.
func TestS35CopiedTokens(t *testing.T) {
	s := newStrictServer(t, trusting+"policy: {address: {bindings: 3, then: block}}")
	s.waitForProofs()
	const path, address = "/v1/items/i1", "192.0.2.1"
	own, other := stiletest.NewKey(), stiletest.NewKey()
	tokens := s.tokens(3)
	for _, token := range tokens {
		if a := s.withProof("form", path, token, s.proofBy(own, "form", path, token), address); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	for n := range 60 {
		token, from := tokens[n%3], fmt.Sprintf("203.0.113.%d", n)
		proof := []string{"", "x", s.proofBy(other, "form", path, token), s.proofBy(other, "form", "/v1/token", token)}[n%4]
		if a := s.withProof("form", path, token, proof, from+", "+address); a.code() != "proof_invalid" && a.code() != "token_hijacked" {
			t.Fatalf("a call with a copied token: %q", a.code())
		}
	}
	for _, token := range tokens {
		if a := s.withProof("form", path, token, s.proofBy(own, "form", path, token), address); a.code() != "" || a.Meta.Token.Calls != 2 {
			t.Errorf("the token's own key: %q %+v", a.code(), a.Meta)
		}
	}
	if list := strings.TrimSpace(s.command("address", "list", "--json")); list != "[]" {
		t.Errorf("the address list: %s", list)
	}
}
