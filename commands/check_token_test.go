package commands

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// TestCheckTokenState checks that check --token says why the calls of a token are refused that is
// valid by itself, from the running server and from the data directory, and changes nothing.
func TestCheckTokenState(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *harness, token string)
		code int
		want string
	}{
		{"new", func(*harness, string) {}, done, "token state ok never used"},
		{"used", func(h *harness, token string) { h.callOK(token) }, done, "token state ok bound to the address 127.0.0.0/24 since 20"},
		{"revoked", func(h *harness, token string) { h.must("token", "revoke", token) }, failed, "token state wrong dead (token_revoked): the tenant or an operator revoked it"},
		{"exhausted", func(h *harness, token string) {
			h.must("tenant", "set", "acme", "policy.token.calls=1")
			h.callOK(token)
			h.call(token)
		}, failed, "token state wrong dead (token_exhausted): its calls or records are used up; bound to"},
		{"suspended", func(h *harness, _ string) { h.must("tenant", "suspend", "acme") }, failed, "token tenant wrong acme is suspended: `stile tenant resume acme`"},
		{"over quota", func(h *harness, token string) {
			h.must("tenant", "set", "acme", "--calls-per-month", "1")
			h.callOK(token)
		}, failed, "token tenant wrong acme has used all 1 calls of this month"},
		{"late", func(h *harness, _ string) { h.set(h.at().Add(11 * time.Minute)) }, failed, "token bind_within wrong no call came until 20"},
		{"removed", func(h *harness, _ string) { h.must("tenant", "remove", "acme", "--yes") }, failed, "token tenant wrong no tenant is named acme"},
		{"added again", func(h *harness, _ string) {
			h.must("tenant", "remove", "acme", "--yes")
			h.set(h.at().Add(time.Minute))
			h.must("tenant", "add", "acme")
		}, failed, "token tenant wrong the token was issued before the tenant acme was added, on 20"},
	} {
		h := newHarness(t, "public_url: https://api.example\n")
		h.set(time.Now())
		h.serve()
		h.must("tenant", "add", "acme")
		token := h.token()
		c.do(h, token)
		for _, how := range []string{"server", "directory"} {
			h.in = "Bearer " + token + "\n"
			out, err, code := h.run("check", "--token", "-")
			if flat := strings.Join(strings.Fields(out), " "); code != c.code || !strings.Contains(flat, c.want) || strings.Contains(out, token) {
				t.Errorf("%s, by the %s: exit code %d, want %d and %q\n%s%s", c.name, how, code, c.code, c.want, out, err)
			}
			if how == "server" {
				h.end()
			}
		}
	}
}

// TestCheckSecrets checks that check warns of the files of secrets that other users can read.
func TestCheckSecrets(t *testing.T) {
	h := newHarness(t, "")
	key, secret := h.write("key.pem", "no key"), h.write("introspection", "s3cret\n")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\ntls: {certificate: none.pem, key: "+key+"}\n"+
		"issuers: [{issuer: 'http://localhost:1', keys: 'http://localhost:1/', allow_private: true, audience: x, clients: {a: acme}, introspection: {url: 'http://localhost:1/i', client_id: s, client_secret_file: "+secret+"}}]\n")
	for _, mode := range []os.FileMode{0o644, 0o600} {
		if err := errors.Join(os.Chmod(key, mode), os.Chmod(secret, mode)); err != nil {
			t.Fatal(err)
		}
		out, err, _ := h.run("check")
		for _, file := range []string{key, secret} {
			if strings.Contains(strings.Join(strings.Fields(out), " "), "permissions warning "+file+" is open to other users (mode 0644): chmod 6") != (mode == 0o644) {
				t.Errorf("%04o %s:\n%s%s", mode, file, out, err)
			}
		}
	}
}

// TestTokenWithScheme checks that a token may be pasted with the words of the header before it.
func TestTokenWithScheme(t *testing.T) {
	h := newHarness(t, "")
	h.must("tenant", "add", "acme")
	token := h.token()
	want := h.must("token", "show", token)
	for _, in := range []string{"Bearer " + token, "Authorization: Bearer " + token, "dpop " + token} {
		h.in = in
		for _, arg := range []string{"-", in} {
			if out, err, code := h.run("token", "show", arg); out != want || code != done {
				t.Errorf("show %.14q, from %.1q: %d %s%s", in, arg, code, out, err)
			}
		}
	}
	h.in = "Bearer " + token
	if out := h.must("token", "revoke", "-"); !strings.Contains(out, "token_revoked") {
		t.Error(out)
	}
}
