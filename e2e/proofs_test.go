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

// proven sends a call with a proof, in one of the ways that there are.
func (s *site) proven(way, path, token, proof, from string) answer {
	s.t.Helper()
	values := url.Values{"client_id": {"acme"}}
	header := http.Header{}
	method := map[bool]string{true: "POST", false: "GET"}[way == "form"]
	if way == "header" {
		header["Authorization"] = []string{"DPoP " + token}
		header["Dpop"] = []string{proof}
	} else {
		values.Set("access_token", token)
		values.Set("proof", proof)
	}
	if way == "JSONP" {
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
	if way == "JSONP" {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "/**/ typeof cb === 'function' && cb("), ");")
	}
	a := answer{Status: status}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		s.t.Fatalf("%s: %v: %s", way, err, text)
	}
	return a
}

// by is a proof by a key for a call that is made now, in one of the ways.
func (s *site) by(k stiletest.Key, way, path, token string) string {
	return k.Proof(map[bool]string{true: "POST", false: "GET"}[way == "form"], s.origin()+path, token, time.Now())
}

// origin is the server's public URL.
func (s *site) origin() string {
	return "http://localhost" + s.URL[strings.LastIndexByte(s.URL, ':'):]
}

// settle waits until the server takes proofs: after a start, it must be sure
// that none was used before.
func (s *site) settle() {
	s.t.Helper()
	k, token := stiletest.NewKey(), s.tokens(1)[0]
	s.until("", func() string {
		return s.proven("header", "/v1/token", token, s.by(k, "header", "/v1/token", token), "").code()
	})
}

// TestProofsAtOnce: a server that starts for the first time takes proofs from
// its first call on, since none can have been used before. One that starts
// again can't know, and waits.
func TestProofsAtOnce(t *testing.T) {
	s := newStrictSite(t, trusting)
	k, token := stiletest.NewKey(), s.tokens(1)[0]
	const path = "/v1/items/i1"
	if a := s.proven("form", path, token, s.by(k, "form", path, token), ""); a.code() != "" {
		t.Fatalf("the first call: %s", a.code())
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if code := s.proven("form", path, token, s.by(k, "form", path, token), "").code(); code != "overloaded" {
		t.Errorf("the first call after a restart: %q", code)
	}
}

// ways are the transports of a call.
var ways = []string{"JSONP", "JSON", "form", "header"}

// TestS7CopiedURL: a request that was copied whole is worth nothing, from its
// own address and from another; neither is its token. The owner goes on, also
// where the phone has changed networks, which nobody notices.
func TestS7CopiedURL(t *testing.T) {
	s := newStrictSite(t, trusting)
	s.settle()
	for i, way := range ways {
		t.Run(way, func(t *testing.T) {
			s := *s
			s.t = t
			owner, stranger, token, home := stiletest.NewKey(), stiletest.NewKey(), s.tokens(1)[0], fmt.Sprintf("192.0.2.%d", i)
			const path = "/v1/items/i1"
			copied := s.by(owner, way, path, token)
			if a := s.proven(way, path, token, copied, home); a.code() != "" {
				t.Fatalf("the call itself: %s %+v", a.code(), a.Error)
			}
			for _, from := range []string{home, "203.0.113.9"} {
				if a := s.proven(way, path, token, copied, from); a.code() != "proof_invalid" || a.Error.Now == 0 {
					t.Errorf("the same once more, from %s: %q", from, a.code())
				}
				if a := s.mustGet(path, token, from); a.code() != "proof_invalid" || a.Status != 401 {
					t.Errorf("the token alone, from %s: %q", from, a.code())
				}
				if a := s.proven(way, path, token, s.by(stranger, way, path, token), from); a.code() != "token_hijacked" {
					t.Errorf("the token with a stranger's proof, from %s: %q", from, a.code())
				}
			}
			for n := range 8 { // 7 addresses beside the first
				from := fmt.Sprintf("198.51.%d.%d", 100+i, n%7)
				if a := s.proven(way, path, token, s.by(owner, way, path, token), from); a.code() != "" {
					t.Errorf("the owner, on the move: %q", a.code())
				}
			}
			if v := s.show(token); !v.Active || v.Binding != "key" || v.Calls != 9 {
				t.Errorf("token show: %+v", v)
			}
		})
	}
}

// TestS8Proofs: what three packages of other hands make is good, once; what is
// wrong in one thing is not; and none is good again after a restart.
func TestS8Proofs(t *testing.T) {
	s := newSite(t, "")
	s.settle()
	token := s.tokens(1)[0]
	type made struct{ What, Method, Proof string }
	var theirs struct{ Good, Bad []made }
	request := func(method string) map[string]string {
		return map[string]string{"method": method, "url": s.origin() + "/v1/items", "token": token}
	}
	npm(t, "testdata/proofs", "proofs.mjs", map[string]any{"get": request("GET"), "post": request("POST")}, &theirs)
	if len(theirs.Good) < 12 || len(theirs.Bad) < 15 {
		t.Fatalf("%d good and %d bad proofs", len(theirs.Good), len(theirs.Bad))
	}
	way := func(m made) string { return map[string]string{"GET": "header", "POST": "form"}[m.Method] }
	for _, m := range theirs.Bad {
		by := way(m)
		if m.What == "a line break in it" {
			by = "JSON" // a header can't carry one
		}
		if a := s.proven(by, "/v1/items", token, m.Proof, ""); a.code() != "proof_invalid" || a.Status != 401 {
			t.Errorf("%s: %d %q", m.What, a.Status, a.code())
		}
	}
	// Each maker has a key of its own, and the token is one's: the others are
	// strangers by a good proof.
	for n, m := range theirs.Good {
		if a := s.proven(way(m), "/v1/items", token, m.Proof, ""); a.code() != map[bool]string{true: "", false: "token_hijacked"}[n == 0] {
			t.Errorf("%s, %s: %q %+v", m.What, m.Method, a.code(), a.Error)
		}
		if a := s.proven(way(m), "/v1/items", token, m.Proof, ""); a.code() != "proof_invalid" {
			t.Errorf("%s, %s, twice: %q", m.What, m.Method, a.code())
		}
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	for _, m := range theirs.Good {
		s.until("proof_invalid", func() string {
			a := s.proven(way(m), "/v1/items", token, m.Proof, "")
			if a.code() != "proof_invalid" && a.code() != "overloaded" {
				t.Fatalf("%s, after a restart: %q", m.What, a.code())
			}
			return a.code()
		})
	}
}

// npm runs a program of dir with its packages as they are locked.
func npm(t *testing.T, dir, program string, ask, answer any) {
	t.Helper()
	at := t.TempDir()
	for _, name := range []string{".npmrc", "package.json", "package-lock.json", program} {
		text, err := os.ReadFile(dir + "/" + name)
		if err == nil {
			err = os.WriteFile(at+"/"+name, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	in, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error"}, {"node", program}} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		var stderr strings.Builder
		cmd.Dir, cmd.Stdin, cmd.Stderr = at, strings.NewReader(string(in)), &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s (it needs Node.js 20 or newer: apt-get install nodejs npm): %v\n%s", strings.Join(args, " "), err, &stderr)
		}
		if args[0] != "node" {
			continue
		}
		if err := json.Unmarshal(out, answer); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestS33RoamingHome: the addresses of one /64 are one, to a key as well.
func TestS33RoamingHome(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {roaming: {addresses: 1}}")
	s.settle()
	k, token := stiletest.SameKey(), s.tokens(1)[0]
	for n := range 50 {
		from := fmt.Sprintf("2001:db8:7:7:%x::%x", n*17, n)
		if a := s.proven("form", "/v1/items/i1", token, s.by(k, "form", "/v1/items/i1", token), from); a.code() != "" {
			t.Fatalf("from %s: %q", from, a.code())
		}
	}
	a := s.proven("form", "/v1/items/i1", token, s.by(k, "form", "/v1/items/i1", token), "2001:db8:7:8::1")
	if a.code() != "challenge_required" {
		t.Errorf("from another /64: %q", a.code())
	}
}

// TestS34OnePersonIsNoCrowd: ten people behind one address, who come back ten
// times with a new token each, are ten: nobody has anything to solve.
func TestS34OnePersonIsNoCrowd(t *testing.T) {
	s := newStrictSite(t, trusting)
	s.settle()
	const path, from = "/v1/items/i1", "192.0.2.1"
	people := make([]stiletest.Key, 10)
	for n, token := range s.tokens(100) {
		if n < 10 {
			people[n] = stiletest.NewKey()
		}
		if a := s.proven("form", path, token, s.by(people[n%10], "form", path, token), from); a.code() != "" {
			t.Fatalf("visit %d: %s", n, a.code())
		}
	}
}

// TestS35CopiedTokens: whoever gets hold of tokens that are bound to keys can
// neither end them nor have their owners' address blocked, whatever is sent.
func TestS35CopiedTokens(t *testing.T) {
	s := newStrictSite(t, trusting+"policy: {address: {bindings: 3, then: block}}")
	s.settle()
	const path, home = "/v1/items/i1", "192.0.2.1"
	owner, thief := stiletest.NewKey(), stiletest.NewKey()
	tokens := s.tokens(3)
	for _, token := range tokens {
		if a := s.proven("form", path, token, s.by(owner, "form", path, token), home); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	for n := range 60 {
		token, from := tokens[n%3], fmt.Sprintf("203.0.113.%d", n)
		proof := []string{"", "x", s.by(thief, "form", path, token), s.by(thief, "form", "/v1/token", token)}[n%4]
		if a := s.proven("form", path, token, proof, from+", "+home); a.code() != "proof_invalid" && a.code() != "token_hijacked" {
			t.Fatalf("the thief: %q", a.code())
		}
	}
	for _, token := range tokens {
		if a := s.proven("form", path, token, s.by(owner, "form", path, token), home); a.code() != "" || a.Meta.Token.Calls != 2 {
			t.Errorf("the owner: %q %+v", a.code(), a.Meta)
		}
	}
	if list := strings.TrimSpace(s.command("address", "list", "--json")); list != "[]" {
		t.Errorf("the address list: %s", list)
	}
}
