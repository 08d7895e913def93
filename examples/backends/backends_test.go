package backends

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/peers"
	"stile.example/stile/stiletest/ports"
)

// prepareTimeout limits the time to download packages, to compile and to start.
const prepareTimeout = 5 * time.Minute

// languages prepare each back-end in dir, a copy of its directory. They return the command that
// runs it.
var languages = map[string]func(ctx context.Context, dir string) (*exec.Cmd, error){
	"go": func(ctx context.Context, dir string) (*exec.Cmd, error) {
		file := filepath.Join(dir, "backend")
		out, err := exec.CommandContext(ctx, "go", "build", "-o", file, "./go").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("go build: %w\n%s", err, out)
		}
		return exec.Command(file), nil
	},
	"node": func(ctx context.Context, dir string) (*exec.Cmd, error) {
		return exec.Command("node", "server.js"), peers.NPM(ctx, dir)
	},
	"python": func(ctx context.Context, dir string) (*exec.Cmd, error) {
		python, err := peers.Venv(ctx, dir)
		return exec.Command(python, "app.py"), err
	},
	"php": func(ctx context.Context, dir string) (*exec.Cmd, error) {
		out, err := exec.CommandContext(ctx, "php", "-m").Output()
		if err != nil || !hasLine(out, "curl") {
			return nil, fmt.Errorf("PHP with curl is missing: apt-get install php-cli php-curl (%v)", err)
		}
		return exec.Command("sh", "-c", `exec php -S "127.0.0.1:$PORT" token.php`), nil
	},
	"java": func(ctx context.Context, dir string) (*exec.Cmd, error) {
		return exec.Command("java", "-jar", "target/tenant-backend.jar"), peers.Maven(ctx, dir)
	},
}

// TestBackends runs the back-end in each language as its tenant would.
func TestBackends(t *testing.T) {
	s := newPublisher(t)
	for language, prepare := range languages {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("mvn"); language == "java" && err != nil {
				t.Skip("NOT TESTED: the back-end in Java. Maven is missing: apt-get install maven")
			}
			b := startBackend(t, s, language, prepare)
			b.checkNewTokens()
			b.checkOtherSites()
			b.checkOtherMethods()
			b.checkOutages()
			b.checkSecrets()
		})
	}
}

// startBackend starts a back-end with a tenant of its own. It reaches the publisher through the
// proxy.
func startBackend(t *testing.T, s *stiletest.Server, language string, prepare func(context.Context, string) (*exec.Cmd, error)) *backend {
	ctx, cancel := context.WithTimeout(t.Context(), prepareTimeout)
	defer cancel()
	b := &backend{T: t, stile: s, client: language}
	b.proxy = newProxy(t, s.URL)
	b.secret = b.must(s.Tenant(language))
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(language)); err != nil {
		t.Fatal(err)
	}
	cmd, err := prepare(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", port), "STILE_API="+b.proxy.URL, "STILE_CLIENT_ID="+language, "STILE_CLIENT_SECRET="+b.secret)
	b.program, err = peers.Start(cmd, port, prepareTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.program.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}
