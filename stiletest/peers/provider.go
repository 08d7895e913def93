package peers

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"stile.example/stile/stiletest/ports"
)

//go:embed provider/package.json provider/package-lock.json provider/.npmrc provider/provider.mjs
var providerFiles embed.FS

// Rotation says what a [Provider] does with its keys when it starts.
type Rotation string

const (
	KeepKeys    Rotation = ""        // signs with the key of the last start
	AddKey      Rotation = "add"     // signs with a new key, and still publishes the old ones
	ReplaceKeys Rotation = "replace" // signs with a new key, and publishes only that one
)

// Provider is npm's oidc-provider: a small authorization server for client credentials. A client
// names the resource that its token is for, and gets a JWT of RFC 9068. If the resource begins with
// "urn:opaque:" or "urn:named:", it gets an opaque token; the introspection of the latter includes
// a jti. The fields may be changed between Stop and Start.
type Provider struct {
	*Program
	Alg     string            // signs its tokens: RS256, ES256, EdDSA, …
	Clients map[string]string // client_id: secret, of 32 characters or more
	// Redirect is the redirect_uri of the client console, whose secret is [ConsoleSecret]. People sign
	// in there as whoever login_hint names: NAME.GROUP.GROUP…. Empty: there is no such client.
	Redirect string

	dir  string
	port int
}

// ConsoleSecret is the secret of the client console.
var ConsoleSecret = strings.Repeat("c", 40)

// InstallProvider installs a provider in dir, which must exist and be empty.
func InstallProvider(ctx context.Context, dir string) (*Provider, error) {
	files, err := fs.Sub(providerFiles, "provider")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return nil, err
	}
	port, err := ports.Free()
	if err != nil {
		return nil, err
	}
	return &Provider{dir: dir, port: port, Alg: "RS256"}, NPM(ctx, dir)
}

// Start starts the provider, on the same port each time.
func (p *Provider) Start(rotation Rotation) error {
	settings, err := json.Marshal(map[string]any{"port": p.port, "alg": p.Alg, "clients": p.Clients, "rotate": rotation, "redirect": p.Redirect})
	if err != nil {
		return err
	}
	cmd := exec.Command("node", "provider.mjs")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PROVIDER="+string(settings))
	p.Program, err = Start(cmd, p.port, time.Minute)
	return err
}

// Token obtains a token for a resource, as one of the clients.
func (p *Provider) Token(ctx context.Context, client, resource string) (string, error) {
	return ClientCredentials(ctx, p.URL+"/token", client, p.Clients[client], url.Values{"resource": {resource}, "scope": {"content"}})
}

// ClientCredentials obtains a token from any authorization server.
func ClientCredentials(ctx context.Context, endpoint, client, secret string, more url.Values) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, values := range more {
		form[name] = values
	}
	var response struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := postForm(ctx, endpoint, client, secret, form, &response); err != nil {
		return "", err
	}
	if response.Token == "" {
		return "", fmt.Errorf("%s: %s %s", endpoint, response.Error, response.Description)
	}
	return response.Token, nil
}

// postForm sends a form as a client, and decodes the JSON of the response.
func postForm(ctx context.Context, endpoint, client, secret string, form url.Values, response any) error {
	req, err := http.NewRequestWithContext(ctx, "POST", endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(response); err != nil {
		return errors.Join(fmt.Errorf("%s: %s", endpoint, res.Status), err)
	}
	return nil
}
