package commands

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestExplainExternalTokens checks that explain, the log and token show say why a token of an
// external issuer is refused, and that the caller does not learn it.
func TestExplainExternalTokens(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, i.settings(""))
	h.set(time.Now())
	h.serve()
	h.must("tenant", "add", "acme")
	now := h.at()
	claims := func(iss, aud, client string, age time.Duration) string {
		return fmt.Sprintf(`{"iss":%q,"aud":%q,"azp":%q,"sub":"canary","jti":"1","iat":%d,"exp":%d}`, iss, aud, client, now.Add(-age).Unix(), now.Add(time.Hour-age).Unix())
	}
	for _, c := range []struct{ token, code, why, advice string }{
		{i.sign(claims(i.name(), "account", "app", 0)), "token_invalid", "issuer " + i.name() + ": aud is account, want stile", "stile check --token -"},
		{i.sign(claims(i.name(), "stile", "app", 63*time.Minute+30*time.Second)), "token_expired", "issuer " + i.name() + ": expired by 3 min", "raise their lifetime at the issuer"},
		{i.sign(claims("https://nobody.example", "stile", "app", 0)), "token_invalid", "unknown issuer https://nobody.example", "add it to issuers"},
		{i.sign(claims(i.name(), "stile", "other", 0)), "client_mismatch", "issuer " + i.name() + ": its client other is not in the issuer's clients", "Add the client, as the detail names it"},
	} {
		_, body := h.get("/v1/items?client_id=acme", c.token)
		var got struct{ Error struct{ Code, Ref string } }
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Error.Code != c.code {
			t.Fatalf("%s: %s", c.why, body)
		}
		for _, private := range []string{"account", "nobody.example", "other", "3 min"} {
			if strings.Contains(body, private) {
				t.Errorf("the caller learns %q: %s", private, body)
			}
		}
		if out := h.must("explain", got.Error.Ref); !strings.Contains(out, c.why) || !strings.Contains(out, c.advice) || strings.Contains(out, "policy.token.lifetime") {
			t.Errorf("explain: %s", out)
		}
		var v struct{ Detail string }
		if err := json.Unmarshal([]byte(h.must("explain", got.Error.Ref, "--json")), &v); err != nil || !strings.HasPrefix(v.Detail, c.why) {
			t.Errorf("explain --json: %q, %v", v.Detail, err)
		}
		if out, err, _ := h.run("token", "show", c.token); !strings.Contains(out+err, c.why) {
			t.Errorf("token show: %s%s", out, err)
		}
		merged := strings.HasPrefix(c.why, "unknown issuer") // with the first of its code
		if !merged && !strings.Contains(h.log.String(), c.why) {
			t.Errorf("the log lacks %q:\n%s", c.why, h.log)
		}
	}
	if strings.Contains(h.log.String(), "canary") {
		t.Errorf("the log names the subject:\n%s", h.log)
	}
}

// TestExplainIssuerFaults checks that explain names the external issuer that could not be asked,
// and why.
func TestExplainIssuerFaults(t *testing.T) {
	i := newIDP(t)
	jwt := i.token("1")
	i.letter.Store(0) // its keys can't be fetched
	h := newHarness(t, "")
	secret := h.write("introspection", "wrong\n")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\n"+
		i.settings(fmt.Sprintf(", introspection: {url: %q, client_id: stile, client_secret_file: %q}", i.URL+"/introspect", secret)))
	h.serve()
	h.must("tenant", "add", "acme")
	for token, why := range map[string]string{"opaque": "401 Unauthorized", jwt: "its keys"} {
		code, ref := h.call(token)
		out := h.must("explain", ref)
		for _, want := range []string{"issuers", "issuer " + i.name() + ": ", why, "stile check tries each issuer"} {
			if code != "overloaded" || !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", code, want, out)
			}
		}
	}
}

// TestTokenNames checks that the name of a token in an explanation is one that token show and token
// revoke take, for an external issuer's token too, and that an explanation says since when a token
// is bound.
func TestTokenNames(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, "")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\nlog_addresses: full\npolicy: {token: {calls: 1}}\n"+i.settings(""))
	h.set(time.Now())
	h.serve()
	h.must("tenant", "add", "acme")
	for _, token := range []string{h.token(), i.token("jti of a server: 1")} {
		h.callOK(token)
		code, ref := h.call(token)
		if code != "token_exhausted" {
			t.Fatal(code)
		}
		var v struct{ Identity string }
		if err := json.Unmarshal([]byte(h.must("explain", ref, "--json")), &v); err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(v.Identity, "token ")
		if out := h.must("token", "show", strings.Trim(name, `"`)); !ok || !strings.Contains(out, "token_exhausted") || !strings.Contains(out, "acme") {
			t.Errorf("token show %s: %s", name, out)
		}
		if out := h.must("token", "revoke", strings.Trim(name, `"`)); !strings.Contains(out, "acme") {
			t.Errorf("token revoke %s: %s", name, out)
		}
	}
}

// callOK makes a call that must be admitted.
func (h *harness) callOK(token string) {
	h.t.Helper()
	if status, body := h.get("/v1/items?client_id=acme", token); status != 200 {
		h.t.Fatalf("%d %s", status, body)
	}
}

// TestCheckToken checks that check --token says what is right and wrong about a token, step by
// step, and never prints it.
func TestCheckToken(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, "")
	secret := h.write("introspection", "s3cret\n")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\npublic_url: https://api.example\n"+
		i.settings(fmt.Sprintf(", introspection: {url: %q, client_id: stile, client_secret_file: %q}", i.URL+"/introspect", secret)))
	h.set(time.Now())
	i.active.Store(true)
	now := h.at().Unix()
	for _, c := range []struct {
		token string
		code  int
		want  []string
	}{
		{i.token("1"), done, []string{"token format ok a JWT of", "token issuer ok " + i.name(), "token header ok alg EdDSA, typ jwt, kid a", "token audience ok aud is stile",
			"token client ok the tenant acme", "token identity ok jti 1", "token holder ok not bound", "token times ok issued", "token keys ok 1 key of",
			"token signature ok made by the issuer's key a", "token accept ok calls"}},
		{i.sign(fmt.Sprintf(`{"iss":%q,"aud":"account","azp":"other","sub":"u","iat":%d,"exp":%d}`, i.name(), now-4000, now-400)), failed,
			[]string{"token audience wrong aud is account, want stile", "token client wrong other is not in the issuer's clients", "token identity wrong no jti, and EdDSA",
				"token times wrong expired by 6 min", "token signature ok"}},
		{i.sign(`{"iss":"https://nobody.example"}`), failed, []string{"token issuer wrong unknown issuer https://nobody.example"}},
		{"opaque", done, []string{"token format ok not a JWT: it is introspected at " + i.name(), "token introspection ok active", "token client ok the tenant acme"}},
		{"invented", failed, []string{"token introspection wrong not active, according to its issuer"}},
		{"a.b.c", failed, []string{"token header wrong header is not a JSON object", "token claims wrong not a JSON object"}},
	} {
		h.in = c.token
		out, err, code := h.run("check", "--token", "-")
		flat := strings.Join(strings.Fields(out), " ")
		for _, want := range c.want {
			if !strings.Contains(flat, want) {
				t.Errorf("no %q in\n%s%s", want, out, err)
			}
		}
		if code != c.code || len(c.token) > 10 && strings.Contains(out+err, c.token[:10]) {
			t.Errorf("exit code %d, want %d, or the token is printed:\n%s%s", code, c.code, out, err)
		}
	}
	if files, _ := os.ReadDir(h.dir + "/data"); len(files) > 0 {
		t.Errorf("the data directory was made: %v", files)
	}
	if _, err, code := h.run("check", "--token", i.token("1")); code != usageError || !strings.Contains(err, "--token must be -") {
		t.Errorf("%d %s", code, err)
	}
	h.must("tenant", "add", "acme")
	own := h.token()
	h.in = own
	if out := h.must("check", "--token", "-"); !strings.Contains(out, "this server") || !strings.Contains(out, "made by the server's key") {
		t.Errorf("%s", out)
	}
	h.in = own[:len(own)-4] + "AAAA"
	if out, _, code := h.run("check", "--token", "-", "--json"); code != failed || !strings.Contains(out, `"detail":"wrong signature"`) {
		t.Errorf("%d %s", code, out)
	}
}

// TestCheckWarnsOfNoJTI checks that check warns of Auth0's default profile, whose tokens have no
// jti.
func TestCheckWarnsOfNoJTI(t *testing.T) {
	h := newHarness(t, "")
	for types, want := range map[string]bool{"": true, ", types: [at+jwt]": false, ", accept: exchange": false} {
		h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\n"+
			"issuers: [{issuer: 'https://t.eu.auth0.com/', keys: 'http://localhost:1/', allow_private: true, audience: x, clients: {a: acme}"+types+"}]\n")
		if out, err, _ := h.run("check"); strings.Contains(out, "Auth0's tokens have no jti") != want {
			t.Errorf("%q: %s%s", types, out, err)
		}
	}
}

// TestCheckNamesMissingTenants checks that check and check --token name a tenant in an issuer's
// clients that does not exist, with a server and without.
func TestCheckNamesMissingTenants(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, i.settings(""))
	h.must("tenant", "add", "other")
	for _, serving := range []bool{false, true} {
		if serving {
			h.serve()
		}
		if out, _, _ := h.run("check"); !strings.Contains(out, "belongs to a tenant that does not exist: no tenant is named acme") {
			t.Errorf("serving %v: %s", serving, out)
		}
		h.in = i.token("1")
		out, _, code := h.run("check", "--token", "-")
		if code != failed || !strings.Contains(strings.Join(strings.Fields(out), " "), "token tenant wrong no tenant is named acme") {
			t.Errorf("serving %v: exit %d %s", serving, code, out)
		}
	}
	h.must("tenant", "add", "acme")
	h.in = i.token("1")
	if out := h.must("check", "--token", "-") + h.must("check"); strings.Contains(out, "no tenant is named") {
		t.Errorf("%s", out)
	}
}
