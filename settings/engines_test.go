package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEngineProblems checks what is said about engines that are written in another way.
func TestEngineProblems(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"store: postgres", "F:1: store: does not say where the server is; must be sqlite, or a URL such as postgres://"},
		{"store: redis://r", "F:1: store: can't store what must last; set state to that URL, and store to postgres://…; must be "},
		{"store: mysql", "F:1: store: unknown engine; must be sqlite, or a URL such as postgres://stile@db.internal/stile"},
		{"store: postgres://db/stile", "store_key_file: is missing: PostgreSQL has the server's keys, and they are encrypted with the key in this file. For a further node, copy the file of another one"},
		{"store: 'postgres://a/x,postgres://b/x'\nstore_key_file: k", "F:1: store: "},
		{"store: postgres://db/stile\nstore_key_file: k\nstore_sync: full", "F:3: store_sync: needs store to be sqlite"},
		{"store_sync: always", `F:1: store_sync: "always": must be normal or full`},
		{"state: 'redis://:pa/ss@a'", "F:1: state: is not a valid URL; "},
		{"state: 'redis://:p@a,redis://:q@b'", "F:1: state: the URLs must have the same user and password"},
		{"state: 'valkeys://a?ca=f,valkeys://b?ca=g'", "F:1: state: the URLs must have the same parameters"},
		{"state: redis", "F:1: state: does not say where the server is; must be store, or a URL such as valkey://"},
		{"state: redis://r", "F:1: state: needs store to be postgres://…"},
		{"state: postgres://r", "F:1: state: is not an engine for states; set store to that URL, and state to store"},
		{"state: redis://a,http://b", "F:1: state: the URLs must have the same scheme"},
		{"corpus_store: s3://b", "F:1: corpus_store: needs store to be postgres://…"},
		{"store: postgres://u:pa ss@db/x", "F:1: store: is not a valid URL; characters such as @, / and # in a password"},
		{"store_key: tooshort", "F:1: store_key: is not valid; must be 64 hexadecimal digits"},
		{"node: a b", `F:1: node: "a b": must be a name of letters, digits, dots and hyphens`},
	} {
		name := file(t, c.file)
		_, err := Load(Source{File: name})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), name+":", "F:"), c.want) {
			t.Errorf("%q\n got %v\nwant %s", c.file, err, c.want)
		}
	}
}

// TestRefusedStore checks that a store that is not valid leads to one error, and not to advice on
// the settings that need PostgreSQL. A valid one does.
func TestRefusedStore(t *testing.T) {
	const others = "\nstate: valkey://a\nstore_key_file: k\nstore_password_file: p"
	for store, want := range map[string]int{"mysql://db/stile": 1, "sqlite": 3} {
		_, err := Load(Source{File: file(t, "store: "+store+others)})
		if found, ok := errors.AsType[Problems](err); !ok || len(found) != want {
			t.Errorf("%s: %v; want %d problems", store, err, want)
		}
	}
}

// TestNoPasswords checks that no text of the settings has a password, whether they are valid or
// not, and that a changed password still needs a restart.
func TestNoPasswords(t *testing.T) {
	const password, key = "hunter2secret", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	load := func(password string) *Settings {
		return load(t, "store: postgres://me:"+password+"@db/stile?sslpassword="+password+"\nstate: redis://:"+password+"@a:1,redis://:"+password+"@b:1\nstore_key: "+key+
			"\ncorpus_store: s3://id:"+password+"@bucket/x")
	}
	s := load(password)
	var shown strings.Builder
	for _, k := range Keys() {
		fmt.Fprintln(&shown, s.Written(k), s.texts[k.Name])
	}
	raw, err := json.Marshal(s)
	fmt.Fprintf(&shown, "%v\n%+v\n%#v\n%s\n%v", s.Store, *s, s.StoreKey, raw, err)
	for _, bad := range []string{"store: postgres://me:" + password + "@db:x/stile", "store: 'postgres://me:" + password + "@db/stile#x'", "store: mysql://me:" + password + "@db",
		"state: ftp://:" + password + "@db", "store_key: " + password, "store: ['postgres://me:" + password + "@db/stile']"} {
		_, err := Load(Source{File: file(t, bad)})
		if err == nil {
			t.Errorf("%s is accepted", bad)
		}
		fmt.Fprintln(&shown, err)
	}
	for _, secret := range []string{password, key} {
		if at := strings.Index(shown.String(), secret); at >= 0 {
			t.Errorf("a secret is shown: …%s", shown.String()[max(0, at-200):at+len(secret)])
		}
	}
	if !strings.Contains(shown.String(), "postgres://db/stile") || s.Store.Reveal() != "postgres://me:"+password+"@db/stile?sslpassword="+password {
		t.Errorf("%s, %s", shown.String(), s.Store)
	}
	if names := s.Restart(load("another")); fmt.Sprint(names) != "[store state corpus_store]" {
		t.Errorf("need a restart: %v", names)
	}
}

// TestSecretsInFiles checks that passwords and the key are read from files.
func TestSecretsInFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	s := load(t, "store: postgres://me@db/stile\nstate: redis://a,redis://b\nstore_key_file: "+write("key", strings.Repeat("0a", 32)+"\n")+
		"\nstore_password_file: "+write("p", "a@b/#c\n")+"\nstate_password_file: "+write("q", "x y"))
	if u, err := s.StoreURL(); u != "postgres://me:a%40b%2F%23c@db/stile" || err != nil {
		t.Errorf("%s, %v", u, err)
	}
	if p, err := s.StatePassword(); p != "x y" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
	if keys, err := s.StoreSecrets(); len(keys) != 1 || len(keys[0]) != 32 || keys[0][31] != 10 || err != nil {
		t.Errorf("%x, %v", keys, err)
	}
	write("key", strings.Repeat("0b", 32)+"\n"+strings.Repeat("0a", 32)+"\n")
	if keys, err := s.StoreSecrets(); len(keys) != 2 || keys[0][0] != 11 || keys[1][0] != 10 || err != nil {
		t.Errorf("two keys: %x, %v", keys, err)
	}
	write("key", "short")
	if _, err := s.StoreSecrets(); err == nil || strings.Contains(err.Error(), "short") || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Error(err)
	}
}

// TestPasswordInURL checks that a password in a URL comes before that of a file, as in `stile move
// --to URL` with the settings of the nodes.
func TestPasswordInURL(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("of the file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"postgres://me:given@db/stile", "postgres://me:@db/stile", "postgres://me@db/stile?password=given"} {
		s := load(t, "store: "+url+"\nstate: valkey://:given@a\nstore_key: "+strings.Repeat("0a", 32)+
			"\nstore_password_file: "+file+"\nstate_password_file: "+file)
		if u, err := s.StoreURL(); u != url || err != nil {
			t.Errorf("%s: %s, %v", url, u, err)
		}
		if p, err := s.StatePassword(); p != "" || err != nil {
			t.Errorf("%q, %v", p, err)
		}
	}
}

// TestSeveralHosts checks that several URLs of a Cluster, as the contract has them, are one URL
// with several hosts, and that PostgreSQL may have several too.
func TestSeveralHosts(t *testing.T) {
	const key = "\nstore_key_file: k\n"
	for in, want := range map[string]string{
		"redis://a,redis://b:7000":                      "redis://a,b:7000?cluster=yes",
		"valkey://u:p%40@a:1,valkey://u:p%40@b:2":       "valkey://u:p%40@a:1,b:2?cluster=yes",
		"valkey://a,b?sentinel=m":                       "valkey://a,b?sentinel=m",
		"valkeys://a?ca=f,valkeys://b,valkeys://c?ca=f": "valkeys://a,b,c?ca=f&cluster=yes",
		"redis://[::1]:6379/2":                          "redis://[::1]:6379/2",
	} {
		if s := load(t, "store: postgres://a:5432,b:5432/x?target_session_attrs=read-write"+key+"state: '"+in+"'"); s.State.Reveal() != want || s.Store.String() != "postgres://a:5432,b:5432/x" {
			t.Errorf("%s: %s, %s", in, s.State.Reveal(), s.Store)
		}
	}
}

// TestSharedFingerprint checks that a difference in a setting that matters is found, whether or not
// it is written, and that others don't count.
func TestSharedFingerprint(t *testing.T) {
	a, b := load(t, "listen: :9\npublic_url: https://a.example"), load(t, "public_url: https://a.example\npolicy: {token: {calls: 2000}}")
	c := load(t, "public_url: https://a.example\npolicy: {token: {calls: 2001}}")
	key := []byte("key")
	if fmt.Sprint(a.SharedFingerprint(key)) != fmt.Sprint(b.SharedFingerprint(key)) {
		t.Error("equal settings differ")
	}
	for name, v := range c.SharedFingerprint(key) {
		if same := b.SharedFingerprint(key)[name] == v; same == (name == "policy.token.calls") {
			t.Errorf("%s: %v", name, same)
		}
	}
}

// TestUnreadableFiles checks that an error about a file of a secret says what to do.
func TestUnreadableFiles(t *testing.T) {
	for _, c := range []struct{ setting, want string }{
		{"store_key_file", "copy it from another node"},
		{"store_password_file", "correct the path, or create the file"},
	} {
		s := load(t, "store: postgres://me@db/stile\nstore_key: "+strings.Repeat("0a", 32)+"\n")
		s.StoreKeyFile, s.StorePasswordFile = "missing", "missing"
		_, err := s.StoreSecrets()
		if c.setting == "store_password_file" {
			_, err = s.StoreURL()
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.setting+": open missing") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.setting, err)
		}
	}
	err := unreadable("store_key_file", &fs.PathError{Op: "open", Path: "k", Err: fs.ErrPermission}, "")
	if !strings.Contains(err.Error(), "chown root:stile") {
		t.Error(err)
	}
}
