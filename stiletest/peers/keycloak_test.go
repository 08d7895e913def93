//go:build keycloak

package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Keycloak is large and slow to start, so that it has a target of its own in
// the Makefile.
const (
	keycloakVersion  = "26.7.3"
	keycloakPatience = 5 * time.Minute
	unpack           = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack"
	password         = "only-for-this-test"
)

// keycloak is one with a database in its own folder, and nothing in it.
type keycloak struct {
	*Program
	t    *testing.T
	home string
}

func newKeycloak(t *testing.T) *keycloak {
	t.Helper()
	k := &keycloak{t: t, home: unpackKeycloak(t)}
	port, err := FreePort()
	k.must(err)
	cmd := exec.Command(filepath.Join(k.home, "bin", "kc.sh"), "start-dev", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port))
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+password, "JAVA_OPTS_KC_HEAP=-Xms64m -Xmx768m")
	k.Program, err = Start(cmd, port, keycloakPatience)
	k.must(err)
	t.Cleanup(func() { k.must(k.Stop()) })
	k.waitReady()
	return k
}

// unpackKeycloak fetches Keycloak with Maven, which keeps it for the next time.
func unpackKeycloak(t *testing.T) (home string) {
	t.Helper()
	if err := need("apt-get install maven default-jre-headless", "mvn", "java"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), keycloakPatience)
	defer cancel()
	dir := t.TempDir()
	err := run(ctx, dir, "mvn", "-B", "-q", unpack, "-Dartifact=org.keycloak:keycloak-quarkus-dist:"+keycloakVersion+":zip", "-DoutputDirectory="+dir)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "keycloak-"+keycloakVersion)
}

func (k *keycloak) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// waitReady waits for the first realm, which is there after the port.
func (k *keycloak) waitReady() {
	k.t.Helper()
	for end := time.Now().Add(keycloakPatience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		res, err := http.Get(k.URL + "/realms/master")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	k.t.Fatalf("Keycloak is not ready after %v\n%s", keycloakPatience, k.Output())
}

// sh runs commands as its administrator, and returns what they print.
func (k *keycloak) sh(commands string) string {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), "sh", "-ec", commands)
	cmd.Env = append(os.Environ(), "HOME="+k.home, "PATH="+filepath.Join(k.home, "bin")+":"+os.Getenv("PATH"), "KC_CLI_PASSWORD="+password)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("%v\n%s%s", err, out, &complaint)
	}
	return string(out)
}

// asDocumented runs the commands of docs/issuers.md, and returns the secret.
func (k *keycloak) asDocumented(audience string) (secret string) {
	k.t.Helper()
	printed := k.sh(k.documented("sh", audience))
	var made struct{ Value string }
	if err := json.Unmarshal([]byte(printed), &made); err != nil || made.Value == "" {
		k.t.Fatalf("no secret in %q: %v", printed, err)
	}
	return made.Value
}

// token gets one for acme.
func (k *keycloak) token(secret string) string {
	k.t.Helper()
	token, err := ClientCredentials(k.t.Context(), k.URL+"/realms/stile/protocol/openid-connect/token", "acme", secret, nil)
	k.must(err)
	return token
}

// TestKeycloak: set up as docs/issuers.md says, Keycloak and stile get on.
func TestKeycloak(t *testing.T) {
	k, s := newKeycloak(t), newSite(t)
	secret := k.asDocumented(s.URL)
	k.tellsNoMore(k.token(secret), s.URL)
	s.start("issuers:\n" + k.documented("yaml", s.URL))
	_, err := s.Tenant("acme")
	k.must(err)
	s.isBound(k.token(secret))
	old := k.token(secret)
	k.sh("kcadm.sh create components -s name=new -s providerId=rsa-generated -s providerType=org.keycloak.keys.KeyProvider -s 'config.priority=[\"200\"]' -r stile")
	s.learnsKey(k.token(secret))
	fresh := k.token(secret)
	k.must(k.Stop())
	for _, token := range []string{old, fresh} {
		if got := s.call(token, "203.0.113.7"); got != "yes" {
			t.Errorf("Keycloak is away, and a token of before gets %s", got)
		}
	}
}

// tellsNoMore: a token is for the audience, and tells nothing that a visitor
// need not know.
func (k *keycloak) tellsNoMore(token, audience string) {
	k.t.Helper()
	header, claims := read(k.t, token)
	k.t.Logf("header %v\nclaims %v", header, claims)
	if header["typ"] != "at+jwt" || header["alg"] != "RS256" || claims["iss"] != k.URL+"/realms/stile" || claims["aud"] != audience ||
		claims["azp"] != "acme" || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		k.t.Errorf("%v %v", header, claims)
	}
	for _, name := range []string{"clientAddress", "clientHost", "realm_access", "resource_access", "preferred_username"} {
		if claims[name] != nil {
			k.t.Errorf("a visitor is told %s: %v", name, claims[name])
		}
	}
}

// documented is the first block of its kind in what docs/issuers.md says of
// Keycloak, with the addresses of this test.
func (k *keycloak) documented(kind, audience string) string {
	k.t.Helper()
	text, err := os.ReadFile("../../docs/issuers.md")
	k.must(err)
	_, part, found := strings.Cut(string(text), "## Keycloak\n")
	_, part, found2 := strings.Cut(part, "```"+kind+"\n")
	block, _, found3 := strings.Cut(part, "```\n")
	if !found || !found2 || !found3 {
		k.t.Fatalf("docs/issuers.md has no block of %s for Keycloak", kind)
	}
	return strings.NewReplacer("https://id.example", k.URL, "https://api.example", audience).Replace(block)
}
