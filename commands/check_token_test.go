package commands

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
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
		{"used", func(h *harness, token string) { h.callOK(token) }, done, "token state ok bound to the address 127.0.0.0/24 by its first call, at 20"},
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

// TestCheckDoesNotMigrate checks that check and check --token leave a database as it is that an
// older version wrote: with a migrated one, that version could not be started again.
func TestCheckDoesNotMigrate(t *testing.T) {
	i := newIDP(t)
	h := newHarness(t, i.settings(""))
	h.must("tenant", "add", "acme")
	h.in = h.token()
	db, err := sql.Open("sqlite3", filepath.Join(h.dir, "data", "stile.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`DROP TABLE identity; DELETE FROM migrations WHERE name LIKE '%identity%'`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"check", "data warning " + h.dir + "/data was written by an older version"},
		{"check --token -", "token state warning not looked up: " + h.dir + "/data was written by an older version"},
	} {
		out, said, code := h.run(strings.Fields(c.args)...)
		if flat := strings.Join(strings.Fields(out), " "); !strings.Contains(flat, c.want) || code != done {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, out, said)
		}
		var steps int
		if err := db.QueryRow(`SELECT count(*) FROM migrations WHERE name LIKE '%identity%'`).Scan(&steps); err != nil || steps != 0 {
			t.Errorf("%s: the database was migrated: %v", c.args, err)
		}
	}
	h.must("tenant", "list")
	if out := h.must("check"); !strings.Contains(out, "keys and database can be read and written") {
		t.Errorf("after the migration: %s", out)
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
