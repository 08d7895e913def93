package operators

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/peers"
	"stile.example/stile/stiletest/ports"
)

// host is the server's name on the page.
const host = "api.example"

// visitor is the address of the tests' clients. It is not one of the trusted proxies.
const visitor = "127.0.0.2"

// proxy is a real proxy in front of a real stile, with the page's configurations.
type proxy struct {
	t        testing.TB
	dir      string // all files of the proxy; a user without rights can write there
	tls      int    // ports
	plain    int
	program  *peers.Program
	recorder *recorder
	stile    *stiletest.Server
	token    string
	secret   string
	roots    *x509.CertPool
}

// newProxy starts stile with the settings of the page, and makes a directory and a certificate for
// a proxy.
func newProxy(t testing.TB) *proxy {
	t.Helper()
	p := &proxy{t: t, dir: openDir(t), tls: freePort(t), plain: freePort(t), roots: x509.NewCertPool()}
	settings := contentOf(t, "/etc/stile/stile.yaml")
	settings = replace(t, settings, "data: /var/lib/stile\n", "", "listen: \"127.0.0.1:8080\"", "log_addresses: full", "observe: [spike, crowd, block]", "observe: [crowd, block]")
	p.stile = &stiletest.Server{Binary: binary, Dir: t.TempDir(), Settings: settings,
		Env: []string{"STILE_POLICY_SPIKE_CALLS=40"}}
	check(t, p.stile.Start())
	t.Cleanup(func() { p.stile.Stop() })
	p.recorder = newRecorder(t, strings.TrimPrefix(p.stile.URL, "http://"))
	var err error
	p.secret, err = p.stile.Tenant("acme")
	check(t, err)
	corpus := filepath.Join(p.stile.Dir, "items.jsonl")
	write(t, corpus, `{"id":"a","title":"Plum cake"}`+"\n", 0o600)
	_, err = p.stile.Command("content", "import", corpus)
	check(t, err)

	check(t, stiletest.WriteCertificate(p.path("cert.pem"), p.path("key.pem"), 1, host))
	pem, err := os.ReadFile(p.path("cert.pem"))
	check(t, err)
	p.roots.AppendCertsFromPEM(pem)
	return p
}

// start runs a proxy as a user without rights. It stops with the test.
func (p *proxy) start(name string, args ...string) {
	p.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // not in the PATH of every user
	}
	if err != nil {
		p.t.Fatalf("%s is missing: apt-get install %s", name, name)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"HOME=" + p.dir, "XDG_DATA_HOME=" + p.dir, "XDG_CONFIG_HOME=" + p.dir, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		check(p.t, filepath.WalkDir(p.dir, func(file string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Chown(file, nobody, nobody)
		}))
	}
	p.program, err = peers.Start(cmd, p.tls, time.Minute)
	check(p.t, err)
	p.t.Cleanup(func() { check(p.t, p.program.Stop()) })
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the proxy's logs:\n%s", p.logs())
		}
	})
	p.token, err = stiletest.Token(p.client(true), "https://"+host, "acme", p.secret)
	check(p.t, err)
}

// nobody is the user that has no files.
const nobody = 65534

// openDir returns a directory that another user can be given.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "stile-proxy")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (p *proxy) path(name string) string { return filepath.Join(p.dir, name) }

// logs returns all that the proxy has written.
func (p *proxy) logs() string {
	p.t.Helper()
	text := p.program.Output()
	files, err := filepath.Glob(p.path("*.log"))
	check(p.t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		check(p.t, err)
		text += string(b)
	}
	return text
}

// dial connects to the proxy from the visitor's address.
func (p *proxy) dial(ctx context.Context, port int) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}
	return d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}

// client returns a client that reaches the proxy by the name on the page.
func (p *proxy) client(http2 bool) *http.Client {
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots}, ForceAttemptHTTP2: http2,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			if strings.HasSuffix(address, ":80") {
				return p.dial(ctx, p.plain)
			}
			return p.dial(ctx, p.tls)
		}}
	if !http2 {
		t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	p.t.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is a response as the tests see it.
type answer struct {
	status, major int
	head          http.Header
	body          string
}

// send sends a request. form is the body, or "" for none; headers are "Name: value".
func (p *proxy) send(c *http.Client, method, url, form string, headers ...string) answer {
	p.t.Helper()
	var body io.Reader
	if form != "" {
		body = strings.NewReader(form)
	}
	req, err := http.NewRequest(method, url, body)
	check(p.t, err)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	check(p.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(p.t, err)
	return answer{res.StatusCode, res.ProtoMajor, res.Header, string(text)}
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := ports.Free()
	check(t, err)
	return port
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
