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
)

//go:embed provider/package.json provider/package-lock.json provider/.npmrc provider/provider.mjs
var providerFiles embed.FS

// Rotation is what a [Provider] does with its keys when it starts.
type Rotation string

const (
	KeepKeys    Rotation = ""        // signs with the key of the last start
	AddKey      Rotation = "add"     // signs with a new key, and still shows the old ones
	ReplaceKeys Rotation = "replace" // signs with a new key, and shows no other
)

// Provider is npm's oidc-provider: a small authorization server for client
// credentials. A client names the resource that its token is for, and gets a
// JWT of RFC 9068, or an opaque token where the resource begins with
// "urn:opaque:" or "urn:named:"; the latter's have a jti when they are asked
// about. Its fields may be changed between a Stop and a Start.
type Provider struct {
	*Program
	Alg     string            // with which it signs: RS256, ES256, EdDSA, …
	Clients map[string]string // client_id: secret, of 32 characters or more

	dir  string
	port int
}

// InstallProvider installs one in dir, which must be there and empty.
func InstallProvider(ctx context.Context, dir string) (*Provider, error) {
	files, err := fs.Sub(providerFiles, "provider")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return nil, err
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	return &Provider{dir: dir, port: port, Alg: "RS256"}, NPM(ctx, dir)
}

// Start starts it, on the same port each time.
func (p *Provider) Start(rotation Rotation) error {
	settings, err := json.Marshal(map[string]any{"port": p.port, "alg": p.Alg, "clients": p.Clients, "rotate": rotation})
	if err != nil {
		return err
	}
	cmd := exec.Command("node", "provider.mjs")
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PROVIDER="+string(settings))
	p.Program, err = Start(cmd, p.port, time.Minute)
	return err
}

// Token gets a token for a resource, as one of the clients.
func (p *Provider) Token(ctx context.Context, client, resource string) (string, error) {
	return ClientCredentials(ctx, p.URL+"/token", client, p.Clients[client], url.Values{"resource": {resource}, "scope": {"content"}})
}

// ClientCredentials gets a token from any authorization server.
func ClientCredentials(ctx context.Context, endpoint, client, secret string, more url.Values) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, values := range more {
		form[name] = values
	}
	var answer struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := postForm(ctx, endpoint, client, secret, form, &answer); err != nil {
		return "", err
	}
	if answer.Token == "" {
		return "", fmt.Errorf("%s: %s %s", endpoint, answer.Error, answer.Description)
	}
	return answer.Token, nil
}

// postForm sends a form as a client, and reads the JSON that comes back.
func postForm(ctx context.Context, endpoint, client, secret string, form url.Values, answer any) error {
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
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return errors.Join(fmt.Errorf("%s: %s", endpoint, res.Status), err)
	}
	return nil
}
