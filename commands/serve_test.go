package commands

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// TestR5Drain checks that, on a stop, every call in progress is answered, slow calls too, and the
// server exits with 0 within 10 s.
func TestR5Drain(t *testing.T) {
	h := newHarness(t, "policy: {spike: {calls: 1000000}, token: {calls: 1000000}}\n")
	h.serve()
	h.must("tenant", "add", "acme")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	slow := h.beginSlowly(token)

	var begun, answered atomic.Int64
	var stopped atomic.Bool
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for !stopped.Load() {
				if h.callOnce(token, &begun) {
					answered.Add(1)
				}
			}
		})
	}
	for answered.Load() < 100 {
		time.Sleep(time.Millisecond)
	}
	ended := make(chan struct{})
	go func() { h.end(); close(ended) }()
	for h.server.Ready(t.Context()) == nil {
		time.Sleep(time.Millisecond)
	}
	if err := h.server.Ready(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "draining:") {
		t.Errorf("a server that is stopping is ready, or gives another reason: %v", err)
	}
	slow("&limit=1")
	<-ended
	stopped.Store(true)
	callers.Wait()
	if begun.Load() != answered.Load() {
		t.Errorf("%d calls had begun, %d were answered", begun.Load(), answered.Load())
	}
	t.Logf("%d calls around the stop", answered.Load())
}

// callOnce makes a call on a connection of its own. The call has begun when the server has accepted
// the connection, which its 100 Continue shows.
func (h *harness) callOnce(token string, begun *atomic.Int64) bool {
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		return false
	}
	defer c.Close()
	in := bufio.NewReader(c)
	form := "client_id=acme&access_token=" + token
	fmt.Fprintf(c, "POST /v1/items HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", len(form))
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		return false
	}
	begun.Add(1)
	in.ReadString('\n')
	io.WriteString(c, form)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == 200
}

// beginSlowly sends the first part of a call. The returned function sends the rest, and checks that
// the call is answered.
func (h *harness) beginSlowly(token string) func(rest string) {
	h.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		h.t.Fatal(err)
	}
	in := bufio.NewReader(c)
	form := "client_id=acme&access_token=" + token
	fmt.Fprintf(c, "POST /v1/items HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(form)+8, form)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		h.t.Fatalf("%q %v", line, err)
	}
	in.ReadString('\n')
	return func(rest string) {
		h.t.Helper()
		defer c.Close()
		io.WriteString(c, rest)
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != 200 {
			h.t.Errorf("a slow call that had begun: %v %v", res, err)
		}
	}
}

// TestReload checks that SIGHUP reads the policy again, and only the policy.
func TestReload(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	h.must("tenant", "add", "acme")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	h.get("/v1/items?client_id=acme", token)
	base, err := os.ReadFile(filepath.Join(h.dir, "stile.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	h.hangup(string(base)+"log: {level: debug}\npolicy: {token: {calls: 77}}\n", "settings read again")
	if _, body := h.get("/v1/items?client_id=acme", token); !strings.Contains(body, `"calls_limit":77`) {
		t.Errorf("after SIGHUP: %s", body)
	}
	if !strings.Contains(h.log.String(), `"settings":"log.level"`) {
		t.Errorf("it does not name the settings that need a restart: %s", h.log)
	}
	h.hangup("listen: oops\n", "the old ones stay")
	if _, body := h.get("/v1/items?client_id=acme", token); !strings.Contains(body, `"calls_limit":77`) {
		t.Errorf("after a bad file: %s", body)
	}
}

func (h *harness) hangup(settings, says string) {
	h.t.Helper()
	h.write("stile.yaml", settings)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		h.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); !strings.Contains(h.log.String(), says); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("no %q in the log: %s", says, h.log)
		}
	}
}

// TestTLS checks that the public listener uses the certificate of the settings.
func TestTLS(t *testing.T) {
	h := newHarness(t, "")
	cert, key := filepath.Join(h.dir, "cert.pem"), filepath.Join(h.dir, "key.pem")
	writePair(t, cert, key, 4)
	h.write("stile.yaml", fmt.Sprintf("listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: %s/data\ntls: {certificate: %s, key: %s}\n", h.dir, cert, key))
	h.serve()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	res, err := client.Get("https" + strings.TrimPrefix(h.public, "http") + "/healthz")
	if err != nil || res.StatusCode != 200 || res.TLS.PeerCertificates[0].SerialNumber.Int64() != 4 {
		t.Errorf("over TLS: %v %v", res, err)
	}
	client.CloseIdleConnections()
}

func writePair(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	if err := stiletest.WriteCertificate(cert, key, serial); err != nil {
		t.Fatal(err)
	}
}

// TestOneServer checks that a second server on the same data, or on a port in use, reports that,
// and does not harm the first.
func TestOneServer(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	_, err, code := h.run("serve")
	if code != failed || !strings.Contains(err, "is open in another process") {
		t.Errorf("a second server: %d %s", code, err)
	}
	other := newHarness(t, "")
	_, err, code = other.run("serve", "--listen", strings.TrimPrefix(h.public, "http://"))
	if code != failed || !strings.Contains(err, "choose another address with --listen") {
		t.Errorf("a port in use: %d %s", code, err)
	}
	h.must("tenant", "list")
	if _, _, code := other.run("tenant", "add", "acme"); code != done {
		t.Error("a failed start keeps the data directory locked")
	}
}

// TestCheck checks that check reports problems with exit code 1, and none if there is none, with
// and without a running server.
func TestCheck(t *testing.T) {
	h := newHarness(t, "public_url: http://localhost:8080\n")
	if out := h.must("check", "--json"); strings.Contains(out, `"wrong"`) || strings.Contains(out, `"warning"`) {
		t.Errorf("not running: %s", out)
	}
	h.serve()
	if out := h.must("check"); strings.Contains(out, "wrong") || !strings.Contains(out, "open in a running server") {
		t.Errorf("running: %s", out)
	}
	busy := strings.TrimPrefix(h.public, "http://")
	other := newHarness(t, "public_url: http://api.example\nadmin_listen: "+busy+"\ntls: {certificate: none.pem, key: none.pem}\n")
	other.write("stile.yaml", strings.ReplaceAll(other.read("stile.yaml"), "admin_listen: 127.0.0.1:0\n", ""))
	out, _, code := other.run("check")
	for _, want := range []string{"public_url    wrong", "tls           wrong", "admin_listen  wrong", "data          ok"} {
		if code != failed || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in\n%s", code, want, out)
		}
	}
	other.write("stile.yaml", "lisen: 1\nsite: x\n")
	if out, _, code := other.run("check"); code != failed || strings.Count(out, "wrong") != 2 || !strings.Contains(out, "stile.yaml:1: lisen") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func (h *harness) read(name string) string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// TestServerEndsEarly checks that a context that is done already stops a server in good order.
func TestServerEndsEarly(t *testing.T) {
	h := newHarness(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	if code := h.program(&out, &err).main(ctx, []string{"serve"}); code != failed && code != done {
		t.Errorf("exit %d: %s", code, &err)
	}
	h.must("tenant", "add", "acme")
}
