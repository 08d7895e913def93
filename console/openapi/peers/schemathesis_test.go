// Package peers tests the OpenAPI document of the admin API with third-party programs. It contains
// only tests.
package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/console/api"
	"stile.example/stile/console/apitest"
	"stile.example/stile/console/openapi"
	"stile.example/stile/stiletest/peers"
)

// timeout is generous: the first installation of the packages takes most of it.
const timeout = 10 * time.Minute

// TestPeers checks that the document is valid, and that Schemathesis finds no response that it does
// not describe, and no fault: it sends the examples, what the schemas allow and what they don't.
func TestPeers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	python, err := peers.Venv(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "openapi.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
		}
		return string(out)
	}
	run(python, "-m", "openapi_spec_validator", "--errors", "all", file)

	s := apitest.New(t)
	s.Must(201, "operator POST /tenants", `{"client_id":"acme"}`)
	s.Must(200, "operator POST /content/import", openapi.ItemsExample, "Content-Type: application/x-ndjson")
	began := time.Now()
	out := run(filepath.Join(filepath.Dir(python), "schemathesis"), "--config-file", "schemathesis.toml", "run", s.URL+api.Prefix+"/openapi.json",
		"--header", "Authorization: Bearer "+api.TokenPrefix+"owner")
	t.Logf("%v\n%s", time.Since(began).Round(time.Second), out)
	if log := s.Log.String(); strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the server's log has errors:\n%s", log)
	}
}

// TestDocumentation runs the commands of the section about the admin API in docs/operating.md.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## The admin API\n")
	_, script, _ := strings.Cut(section, "```sh\n")
	script, _, found := strings.Cut(script, "```")
	if !found || strings.Count(script, "curl ") < 5 {
		t.Fatalf("the section has no commands:\n%s", script)
	}
	s := apitest.New(t)
	script = strings.NewReplacer("http://127.0.0.1:8081", s.URL, "stile_adm_…", api.TokenPrefix+"operator", "curl -s", "curl -sf").Replace(script)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "items.csv"), []byte("id,title\nbread,Bread\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"client_secret"`) || !strings.Contains(string(out), `"added":1`) {
		t.Errorf("%v\n%s", err, out)
	}
	if csv, err := os.ReadFile(filepath.Join(dir, "usage.csv")); err != nil || !strings.HasPrefix(string(csv), "tenant,day,route,") {
		t.Errorf("%s %v", csv, err)
	}
}
