package valkey_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/stiletest/ports"
	"stile.example/stile/store/valkey"
)

// withTLS starts a Redis with TLS on a further port. It returns the port, and a directory with the
// file "cert", by which its certificate can be trusted, and "another", by which it can't.
func withTLS(t *testing.T) (port, dir string) {
	t.Helper()
	dir = t.TempDir()
	for i, name := range []string{"cert", "another"} {
		if err := stiletest.WriteCertificate(filepath.Join(dir, name), filepath.Join(dir, name+"-key"), int64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	free, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(free)
	engines.Redis(t, "tls-port "+port, "tls-cert-file "+filepath.Join(dir, "cert"), "tls-key-file "+filepath.Join(dir, "cert-key"), "tls-auth-clients no")
	return port, dir
}

// TestAuthority: a connection needs a certificate that is trusted, for the name in the URL. Errors
// say what to do.
func TestAuthority(t *testing.T) {
	t.Parallel()
	port, dir := withTLS(t)
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, valkey.Options{URL: "rediss://localhost:" + port + "?ca=" + dir + "/cert"}), "a")
	for url, want := range map[string]string{
		"valkeys://localhost:" + port:                                         "the server's certificate is not trusted: check the host in the URL, and name the file with the certificate of its authority with ca=FILE in it",
		"valkeys://localhost:" + port + "?ca=" + dir + "/another":             "certificate is not trusted",
		"valkeys://127.0.0.1:" + port + "?ca=" + dir + "/cert":                "check the host in the URL",
		"valkeys://localhost:" + port + "?ca=" + dir + "/missing":             "parameter ca of the URL: open " + dir + "/missing: no such file or directory: it must have the certificate of the authority",
		"valkeys://localhost:" + port + "?ca=" + dir + "/empty":               "in PEM form",
		"valkeys://localhost:" + port + "?cluster=yes&ca=" + dir + "/another": "certificate is not trusted",
		"valkeys://localhost:" + port + "?sentinel=x&ca=" + dir + "/another":  "certificate is not trusted",
	} {
		if _, err := valkey.Open(t.Context(), valkey.Options{URL: url}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", url, err, want)
		}
	}
}

// TestSentinelLogin: Sentinels have a user and a password of their own. Errors say which of the two
// logins was refused.
func TestSentinelLogin(t *testing.T) {
	t.Parallel()
	user, allowed := restricted(t)
	s := engines.Sentinel(t, user, "appendonly yes")
	at := "redis://" + s.Sentinels[0].Addr
	dir := t.TempDir()
	for name, password := range map[string]string{"right": "oak\n", "wrong": "ash", "empty": "\n", "elm": "elm"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := raw(t, s.Sentinels[0].Addr)
	send(t, c, "ACL", "SETUSER", "watcher", "on", ">elm", "+@all", "~*", "&*")
	send(t, c, "ACL", "SETUSER", "default", "resetpass", ">oak")
	for query, want := range map[string]string{
		"sentinel_password_file=" + dir + "/right":                       "",
		"sentinel_user=watcher&sentinel_password_file=" + dir + "/elm":   "",
		"sentinel_user=watcher&sentinel_password_file=" + dir + "/right": "the Sentinel " + s.Sentinels[0].Addr + " refuses the login; check sentinel_user",
		"sentinel_password_file=" + dir + "/wrong":                       "the password in the file of sentinel_password_file",
		"": "the Sentinel " + s.Sentinels[0].Addr + " refuses the login",
		"sentinel_password_file=" + dir + "/missing": "parameter sentinel_password_file of the URL: open " + dir + "/missing: no such file",
		"sentinel_password_file=" + dir + "/empty":   "must contain a password",
	} {
		e, err := valkey.Open(t.Context(), valkey.Options{URL: at + "?sentinel=" + s.Name + "&" + query, User: allowed.User, Password: allowed.Password})
		if err == nil {
			e.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %q", query, err, want)
		}
	}
	right := "&sentinel_password_file=" + dir + "/right"
	for name, test := range map[string]struct{ query, password, want string }{
		"of the server": {"?sentinel=" + s.Name + right, "wrong", "check the user in the URL and state_password_file"},
		"another name":  {"?sentinel=nothing" + right, allowed.Password, `watch no master called "nothing"`},
	} {
		_, err := valkey.Open(t.Context(), valkey.Options{URL: at + test.query, User: allowed.User, Password: test.password})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}
