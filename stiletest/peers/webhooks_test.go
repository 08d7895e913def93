package peers

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/stiletest/ports"
)

// TestWebhooks runs the receivers of docs/webhooks.md as they are printed: with the libraries of
// Standard Webhooks for Node.js and Python, and without one in Go. They accept the events of a real
// server, also with the older secret during a rotation, and refuse requests that were changed.
func TestWebhooks(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.start("webhooks: {targets: loopback}\n")
	var changes sync.Mutex // of one server, by commands
	for name, prepare := range map[string]func(ctx context.Context, dir, code string) (*exec.Cmd, error){
		"js": func(ctx context.Context, dir, code string) (*exec.Cmd, error) {
			return command(ctx, dir, code, "receiver.mjs", "node"), NPM(ctx, dir)
		},
		"python": func(ctx context.Context, dir, code string) (*exec.Cmd, error) {
			python, err := sharedVenv()
			return command(ctx, dir, code, "receiver.py", python), err
		},
		"go": func(ctx context.Context, dir, code string) (*exec.Cmd, error) {
			c := command(ctx, dir, code, "main.go", filepath.Join(dir, "receiver"))
			return c, run(ctx, dir, "go", "build", "-o", c.Path, "main.go")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), clientsTimeout)
			defer cancel()
			_, code, found := strings.Cut(string(page), "```"+name+"\n")
			code, _, _ = strings.Cut(code, "```")
			if !found {
				t.Fatal("the page has no such code")
			}
			receiver, err := prepare(ctx, webhookDir(t, name), code)
			if err != nil {
				t.Fatal(err)
			}
			w := &webhookTest{T: t, site: s, changes: &changes}
			w.run(receiver)
		})
	}
}

// webhookDir returns a directory for a receiver, with the lock file if it is JavaScript.
func webhookDir(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if name == "js" {
		if err := os.CopyFS(dir, os.DirFS("testdata/webhooks-node")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// command writes code to a file, and returns the command that runs it.
func command(ctx context.Context, dir, code, file, program string) *exec.Cmd {
	os.WriteFile(filepath.Join(dir, file), []byte(code), 0o600) // if it fails, the program does
	c := exec.CommandContext(ctx, program, file)
	c.Dir = dir
	return c
}

// webhookTest is one receiver, with a proxy in front of it that records requests.
type webhookTest struct {
	*testing.T
	site     *site
	changes  *sync.Mutex
	receiver string // its URL

	mu   sync.Mutex
	last *http.Request
	body []byte
}

func (w *webhookTest) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	w.mu.Lock()
	w.last, w.body = r, body
	w.mu.Unlock()
	to.WriteHeader(w.send(r.Header, body))
}

// send sends a request to the receiver and returns the status.
func (w *webhookTest) send(h http.Header, body []byte) int {
	req, err := http.NewRequest("POST", w.receiver, bytes.NewReader(body))
	if err != nil {
		w.Error(err)
		return 0
	}
	req.Header = h.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Error(err)
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}

func (w *webhookTest) run(receiver *exec.Cmd) {
	proxy := httptest.NewServer(w)
	defer proxy.Close()
	var made struct{ ID, Secret string }
	w.stile(&made, "webhook", "add", proxy.URL+"/stile")
	port, err := ports.Free()
	if err != nil {
		w.Fatal(err)
	}
	receiver.Env = append(os.Environ(), "WEBHOOK_SECRET="+made.Secret, "PORT="+strconv.Itoa(port))
	p, err := Start(receiver, port, clientsTimeout)
	if err != nil {
		w.Fatal(err)
	}
	defer p.Stop()
	w.receiver = p.URL
	w.accepts(made.ID, 1)
	w.refuses()
	w.stile(&made, "webhook", "rotate-secret", made.ID, "--overlap", "1h")
	w.accepts(made.ID, 2)
	w.refuses()
	w.stile(&made, "webhook", "rotate-secret", made.ID, "--overlap", "0s")
	if _, err := w.command("webhook", "test", made.ID); err == nil {
		w.Error("a signature by another secret is accepted")
	}
}

// accepts checks that the receiver accepts an event with a number of signatures.
func (w *webhookTest) accepts(id string, signatures int) {
	w.Helper()
	if _, err := w.command("webhook", "test", id); err != nil {
		w.Fatal(err)
	}
	if n := len(strings.Fields(w.last.Header.Get("Webhook-Signature"))); n != signatures {
		w.Errorf("%d signatures, want %d", n, signatures)
	}
}

// refuses sends the last request again, changed in each part.
func (w *webhookTest) refuses() {
	w.Helper()
	for what, change := range map[string]func(http.Header, []byte) []byte{
		"body": func(_ http.Header, b []byte) []byte { return bytes.Replace(b, []byte("nothing"), []byte("a thing"), 1) },
		"id":   func(h http.Header, b []byte) []byte { h.Set("Webhook-Id", "evt_other"); return b },
		"time": func(h http.Header, b []byte) []byte {
			at, _ := strconv.Atoi(h.Get("Webhook-Timestamp"))
			h.Set("Webhook-Timestamp", strconv.Itoa(at-1))
			return b
		},
		"old":          func(h http.Header, b []byte) []byte { h.Set("Webhook-Timestamp", "1795771800"); return b },
		"no signature": func(h http.Header, b []byte) []byte { h.Del("Webhook-Signature"); return b },
		"zeros": func(h http.Header, b []byte) []byte {
			h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
			return b
		},
		"version": func(h http.Header, b []byte) []byte {
			h.Set("Webhook-Signature", strings.ReplaceAll(h.Get("Webhook-Signature"), "v1,", "v2,"))
			return b
		},
	} {
		h := w.last.Header.Clone()
		if status := w.send(h, change(h, bytes.Clone(w.body))); status != http.StatusBadRequest {
			w.Errorf("another %s: status %d", what, status)
		}
	}
}

// command runs a command, one at a time: a Server allows no more.
func (w *webhookTest) command(args ...string) (string, error) {
	w.changes.Lock()
	defer w.changes.Unlock()
	return w.site.Command(args...)
}

func (w *webhookTest) stile(v any, args ...string) {
	w.Helper()
	w.changes.Lock()
	defer w.changes.Unlock()
	if err := w.site.CommandJSON(v, args...); err != nil {
		w.Fatal(err)
	}
}
