//go:build keycloak

package peers

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/ports"
)

// Keycloak is large and slow to start. It therefore has a target of its own in the Makefile.
const (
	keycloakVersion = "26.7.3"
	keycloakTimeout = 5 * time.Minute // to download, and to start
	unpack          = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack"
	password        = "only-for-this-test"
)

// keycloak is a Keycloak server with a new, empty database in its own directory.
type keycloak struct {
	*Program
	t   *testing.T
	dir string
}

func newKeycloak(t *testing.T) *keycloak {
	t.Helper()
	k := &keycloak{t: t, dir: unpackKeycloak(t)}
	port, err := ports.Free()
	k.must(err)
	cmd := exec.Command(filepath.Join(k.dir, "bin", "kc.sh"), "start-dev", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port))
	cmd.Env = append(os.Environ(), "KC_BOOTSTRAP_ADMIN_USERNAME=admin", "KC_BOOTSTRAP_ADMIN_PASSWORD="+password, "JAVA_OPTS_KC_HEAP=-Xms64m -Xmx768m")
	k.Program, err = Start(cmd, port, keycloakTimeout)
	k.must(err)
	t.Cleanup(func() { k.must(k.Stop()) })
	k.waitReady()
	return k
}

// unpackKeycloak downloads Keycloak with Maven, which caches it, and returns its directory.
func unpackKeycloak(t *testing.T) string {
	t.Helper()
	if err := need("apt-get install maven default-jre-headless", "mvn", "java"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), keycloakTimeout)
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

// waitReady waits for the first realm, which Keycloak serves later than it opens its port.
func (k *keycloak) waitReady() {
	k.t.Helper()
	for end := time.Now().Add(keycloakTimeout); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		res, err := http.Get(k.URL + "/realms/master")
		if err != nil {
			continue
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	k.t.Fatalf("Keycloak is not ready after %v\n%s", keycloakTimeout, k.Output())
}

// sh runs commands as the administrator of Keycloak, and returns their output.
func (k *keycloak) sh(commands string) string {
	k.t.Helper()
	cmd := exec.CommandContext(k.t.Context(), "sh", "-ec", commands)
	cmd.Env = append(os.Environ(), "HOME="+k.dir, "PATH="+filepath.Join(k.dir, "bin")+":"+os.Getenv("PATH"), "KC_CLI_PASSWORD="+password)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	return string(out)
}

// setUp runs the commands of docs/issuers.md, and returns the secret of the client acme.
func (k *keycloak) setUp(audience string) (secret string) {
	k.t.Helper()
	return k.secretIn(k.sh(k.documented("sh", audience)))
}

// addClient runs those commands for another client, which has one more attribute, and returns its
// secret.
func (k *keycloak) addClient(audience, name, attribute string) (secret string) {
	k.t.Helper()
	commands := strings.NewReplacer("kcadm.sh create realms -s enabled=true -s realm=stile\n", "", "clientId=acme", "clientId="+name,
		"'attributes={", "'attributes={\""+attribute+"\":\"true\",").Replace(k.documented("sh", audience))
	return k.secretIn(k.sh(commands))
}

func (k *keycloak) secretIn(printed string) string {
	k.t.Helper()
	var created struct{ Value string }
	if err := json.Unmarshal([]byte(printed), &created); err != nil || created.Value == "" {
		k.t.Fatalf("no secret in %q: %v", printed, err)
	}
	return created.Value
}

// token obtains a token for acme.
func (k *keycloak) token(secret string) string {
	k.t.Helper()
	token, err := ClientCredentials(k.t.Context(), k.URL+"/realms/stile/protocol/openid-connect/token", "acme", secret, nil)
	k.must(err)
	return token
}

// TestKeycloak checks that Keycloak and stile interoperate if they are set up as docs/issuers.md
// says.
func TestKeycloak(t *testing.T) {
	k, s := newKeycloak(t), newSite(t)
	secret := k.setUp(s.URL)
	k.checkClaims(k.token(secret), s.URL)
	bound, light := k.addClient(s.URL, "bound", "dpop.bound.access.tokens"), k.addClient(s.URL, "light", "client.use.lightweight.access.token.enabled")
	s.start("issuers:\n" + strings.Replace(k.documented("yaml", s.URL), "{acme: acme}", "{acme: acme, bound: acme, light: acme}", 1))
	_, err := s.Tenant("acme")
	k.must(err)
	s.checkBinding(k.token(secret))
	k.checkBound(s, bound)
	k.checkLight(s, light)
	k.checkConsole()
	old := k.token(secret)
	k.sh("kcadm.sh create components -s name=new -s providerId=rsa-generated -s providerType=org.keycloak.keys.KeyProvider -s 'config.priority=[\"200\"]' -r stile")
	s.callWithNewKey(k.token(secret))
	recent := k.token(secret)
	k.must(k.Stop())
	for _, token := range []string{old, recent} {
		if got := s.call(token, "203.0.113.7"); got != "admitted" {
			t.Errorf("Keycloak is unavailable: a token from before: %s", got)
		}
	}
}

// checkBound checks a token that Keycloak has bound to a key by DPoP: only a proof by that key
// admits its calls.
func (k *keycloak) checkBound(s *site, secret string) {
	k.t.Helper()
	key, endpoint := stiletest.NewKey(), k.URL+"/realms/stile/protocol/openid-connect/token"
	claims := stiletest.Claims("POST", endpoint, "", time.Now())
	delete(claims, "ath")
	var response struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"bound"}, "client_secret": {secret}}
	req, err := http.NewRequestWithContext(k.t.Context(), "POST", endpoint, strings.NewReader(form.Encode()))
	k.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("DPoP", key.Sign(key.Header(), claims))
	res, err := http.DefaultClient.Do(req)
	k.must(err)
	defer res.Body.Close()
	k.must(json.NewDecoder(res.Body).Decode(&response))
	header, body := read(k.t, response.Token)
	k.t.Logf("bound: header %v\nclaims %v", header, body)
	if response.Type != "DPoP" || body["typ"] != "DPoP" || body["cnf"] == nil {
		k.t.Errorf("the token is not bound: %s, %v", response.Type, body)
	}
	for proof, want := range map[string]string{
		"": "proof_invalid",
		s.proof(stiletest.NewKey(), response.Token): "token_hijacked",
		s.proof(key, response.Token):                "admitted",
	} {
		if got := s.callWith(response.Token, proof, "203.0.113.8"); got != want {
			k.t.Errorf("a call with the proof %.10q…: %s, want %s", proof, got, want)
		}
	}
}

// checkLight checks a lightweight access token, which has the audience because its mapper says so.
func (k *keycloak) checkLight(s *site, secret string) {
	k.t.Helper()
	token, err := ClientCredentials(k.t.Context(), k.URL+"/realms/stile/protocol/openid-connect/token", "light", secret, nil)
	k.must(err)
	_, claims := read(k.t, token)
	k.t.Logf("lightweight: claims %v", claims)
	if got := s.call(token, "203.0.113.8"); got != "admitted" || claims["acr"] != nil {
		k.t.Errorf("a lightweight token: %s, %v", got, claims)
	}
}

// checkClaims checks that a token is for the audience, and reveals nothing that a visitor does not
// need to know.
func (k *keycloak) checkClaims(token, audience string) {
	k.t.Helper()
	header, claims := read(k.t, token)
	k.t.Logf("header %v\nclaims %v", header, claims)
	if header["typ"] != "at+jwt" || header["alg"] != "RS256" || claims["iss"] != k.URL+"/realms/stile" || claims["aud"] != audience ||
		claims["azp"] != "acme" || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
		k.t.Errorf("%v %v", header, claims)
	}
	for _, name := range []string{"clientAddress", "clientHost", "realm_access", "resource_access", "preferred_username"} {
		if claims[name] != nil {
			k.t.Errorf("the token reveals %s: %v", name, claims[name])
		}
	}
}

// documented returns the first block of a kind (sh, yaml) in the section about Keycloak of
// docs/issuers.md. It replaces the URLs by those of this test.
func (k *keycloak) documented(kind, audience string) string {
	k.t.Helper()
	text, err := os.ReadFile("../../docs/issuers.md")
	k.must(err)
	_, part, found := strings.Cut(string(text), "## Keycloak\n")
	_, part, found2 := strings.Cut(part, "```"+kind+"\n")
	block, _, found3 := strings.Cut(part, "```\n")
	if !found || !found2 || !found3 {
		k.t.Fatalf("docs/issuers.md has no %s block about Keycloak", kind)
	}
	return strings.NewReplacer("https://id.example", k.URL, "https://api.example", audience).Replace(block)
}

// proof returns a proof for the calls of call.
func (s *site) proof(key stiletest.Key, token string) string {
	return key.Proof("POST", s.URL+"/v1/items", token, time.Now())
}

// checkConsole checks that admins sign in at the console by Keycloak, if it is set up as
// docs/operating.md says: olga, who has a role that is mapped, and nora, who has none.
func (k *keycloak) checkConsole() {
	k.t.Helper()
	s := newSite(k.t)
	port, err := ports.Free()
	k.must(err)
	s.AdminURL = fmt.Sprintf("http://127.0.0.1:%d", port)
	text, err := os.ReadFile("../../docs/operating.md")
	k.must(err)
	_, part, found := strings.Cut(string(text), "## Sign-in by OpenID Connect\n")
	block := func(kind string) string {
		_, after, isThere := strings.Cut(part, "```"+kind+"\n")
		text, _, ends := strings.Cut(after, "```\n")
		if !found || !isThere || !ends {
			k.t.Fatalf("docs/operating.md has no %s block about OpenID Connect", kind)
		}
		return strings.NewReplacer("https://id.example", k.URL, "https://stile.internal", s.AdminURL, "/run/secrets/console", s.Dir+"/console-secret", "SECRET", ConsoleSecret).Replace(text)
	}
	k.sh(block("sh"))
	for _, name := range []string{"olga", "nora"} {
		k.sh("kcadm.sh create users -r stile -s username=" + name + " -s enabled=true -s email=" + name + "@example.org -s emailVerified=true -s firstName=O -s lastName=L\n" +
			"kcadm.sh set-password -r stile --username " + name + " --new-password " + password)
	}
	k.sh("kcadm.sh add-roles -r stile --uusername olga --rolename stile-owners")
	s.write("console-secret", ConsoleSecret+"\n")
	s.start(block("yaml"))
	olga, nora := s.person(), s.person()
	if status, page := k.signIn(olga, "olga"); status != 200 || !strings.Contains(page, `href="/account"`) {
		k.t.Errorf("olga: %d\n%s\n%s", status, page, s.Log())
	}
	if _, page, _ := olga.get(s.AdminURL + "/account"); !strings.Contains(page, "olga") || !strings.Contains(page, ">owner<") {
		k.t.Errorf("the account of olga:\n%s", page)
	}
	if status, page := k.signIn(nora, "nora"); status != 403 || !strings.Contains(page, "has no role for this console") {
		k.t.Errorf("nora: %d\n%s", status, page)
	}
}

// signIn fills in Keycloak's form, and returns the page of the console.
func (k *keycloak) signIn(p *person, name string) (status int, page string) {
	k.t.Helper()
	_, form, _ := p.get(p.toIssuer().String())
	_, action, found := strings.Cut(form, `action="`)
	action, _, _ = strings.Cut(action, `"`)
	if !found {
		k.t.Fatalf("Keycloak has no form:\n%s", form)
	}
	res, err := p.client.PostForm(html.UnescapeString(action), url.Values{"username": {name}, "password": {password}})
	k.must(err)
	k.must(res.Body.Close())
	next, err := res.Location()
	k.must(err)
	status, page, _ = p.get(p.follow(next.String()))
	return status, page
}
