package commands

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/server"
	"stile.example/stile/settings"
)

// harness has settings and a data directory, and runs commands in this process.
type harness struct {
	t     testing.TB
	dir   string
	in    string                    // standard input of the next command
	env   []string                  // in addition to STILE_CONFIG
	tty   bool                      // standard input is a terminal
	clock atomic.Pointer[time.Time] // the time of the fake clock; nil: the real time

	stop   context.CancelFunc
	exited chan int
	server *server.Server
	public string // URLs
	admin  string
	out    *output // the server's standard output
	log    *output // the server's standard error
}

func newHarness(t testing.TB, settings string) *harness {
	t.Helper()
	h := &harness{t: t, dir: t.TempDir()}
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\n"+settings)
	return h
}

func (h *harness) write(name, text string) string {
	h.t.Helper()
	file := filepath.Join(h.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return file
}

func (h *harness) program(out, err io.Writer) *program {
	now := time.Now
	if h.clock.Load() != nil {
		now = func() time.Time { return *h.clock.Load() }
	}
	return &program{env: append([]string{"STILE_CONFIG=" + filepath.Join(h.dir, "stile.yaml")}, h.env...), in: strings.NewReader(h.in),
		out: out, err: err, now: now, patience: 100 * time.Millisecond, terminal: h.tty}
}

// run runs a command.
func (h *harness) run(args ...string) (out, err string, code int) {
	var o, e bytes.Buffer
	code = h.program(&o, &e).main(h.t.Context(), args)
	return o.String(), e.String(), code
}

// must runs a command that must succeed, and returns its output.
func (h *harness) must(args ...string) string {
	h.t.Helper()
	out, err, code := h.run(args...)
	if code != done {
		h.t.Fatalf("stile %s: exit %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

// serve starts a server, and returns when it accepts requests.
func (h *harness) serve(args ...string) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h.out, h.log, h.exited = &output{}, &output{}, make(chan int, 1)
	p := h.program(h.out, h.log)
	ready := make(chan *server.Server, 1)
	p.ready = func(s *server.Server) { ready <- s }
	go func() { h.exited <- p.main(ctx, append([]string{"serve"}, args...)) }()
	select {
	case h.server = <-ready:
	case code := <-h.exited:
		cancel()
		h.t.Fatalf("serve ended with %d\n%s", code, h.log)
	}
	h.stop = cancel
	h.public = "http://" + h.server.Addr("public")
	h.admin = "http://" + h.server.Addr("admin")
	h.t.Cleanup(func() {
		if h.stop != nil {
			h.end()
		}
	})
}

// end stops the server, which must exit with 0 within 10 s (R5).
func (h *harness) end() {
	h.t.Helper()
	h.stop()
	h.stop = nil
	select {
	case code := <-h.exited:
		if code != done {
			h.t.Fatalf("the server exited with %d\n%s", code, h.log)
		}
	case <-time.After(10 * time.Second):
		h.t.Fatalf("the server does not stop\n%s", h.log)
	}
}

// get sends a request to the content API. headers are pairs of a name and a value.
func (h *harness) get(path, token string, headers ...string) (int, string) {
	h.t.Helper()
	return h.send("GET", h.public+path, "", append([]string{"Authorization", "Bearer " + token}, headers...)...)
}

// send sends a request, and returns the status and the body of the response. headers are pairs of a
// name and a value.
func (h *harness) send(method, url, body string, headers ...string) (int, string) {
	h.t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

const threeItems = `{"id":"a","collection":"c","title":"Anna","tags":["x"],"attributes":{"n":9007199254740991,"f":1.50}}
{"id":"b","collection":"c","title":"Berta","body":"<p>Text <script>x</script></p>"}
{"id":"d","collection":"e","title":"Dora"}
`

// output can be written by a server and read by a test simultaneously.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func mustLoad(t testing.TB, h *harness) *settings.Settings {
	t.Helper()
	s, err := h.program(io.Discard, io.Discard).settings(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// set sets the fake clock.
func (h *harness) set(at time.Time) { h.clock.Store(&at) }

// at returns the time of the fake clock.
func (h *harness) at() time.Time { return *h.clock.Load() }
