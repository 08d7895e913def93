package operators

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
)

// balancer is the real HAProxy with deploy's configuration, in front of three servers that record
// what they get.
type balancer struct {
	t       *testing.T
	url     string
	program *engines.HAProxy
	nodes   [3]*fakeNode
}

// fakeNode stands in for a node: HAProxy must not depend on what a node does with a request.
type fakeNode struct {
	name     string
	ready    atomic.Bool
	mu       sync.Mutex
	requests []*http.Request
	server   *httptest.Server
}

func (n *fakeNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/readyz" {
		if !n.ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return
	}
	r.ParseForm()
	n.mu.Lock()
	n.requests = append(n.requests, r)
	n.mu.Unlock()
	fmt.Fprint(w, n.name)
}

// newBalancer starts HAProxy. change replaces texts of its configuration, in pairs.
func newBalancer(t *testing.T, change ...string) *balancer {
	t.Helper()
	b := &balancer{t: t}
	var hosts [3]string
	for i := range b.nodes {
		n := &fakeNode{name: fmt.Sprintf("node%d", i+1)}
		n.ready.Store(true)
		n.server = httptest.NewServer(n)
		t.Cleanup(n.server.Close)
		b.nodes[i], hosts[i] = n, n.server.Listener.Addr().String()
	}
	b.program = engines.NewHAProxy(t, replace(t, read(t, deploy+"cluster/haproxy.cfg"), change...), hosts)
	b.url = "http://" + b.program.Addr
	return b
}

// send sends a request, and returns which node responded, or the status if it is not 200.
func (b *balancer) send(req *http.Request) string {
	b.t.Helper()
	res, err := http.DefaultClient.Do(req)
	check(b.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(b.t, err)
	if res.StatusCode != http.StatusOK {
		return res.Status
	}
	return string(text)
}

func (b *balancer) get(token string) string {
	return b.send(b.request("GET", "/v1/items?access_token="+token, ""))
}

func (b *balancer) request(method, path, form string, headers ...string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(form))
	check(b.t, err)
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	return req
}

// command sends a command to HAProxy itself.
func (b *balancer) command(text string) string {
	b.t.Helper()
	reply, err := b.program.Command(text)
	check(b.t, err)
	return reply
}

// await waits until HAProxy says that a node is in a state.
func (b *balancer) await(node, state string) {
	b.t.Helper()
	last := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for line := range strings.Lines(b.command("show stat")) {
			if f := strings.Split(line, ","); len(f) > 17 && f[0] == "nodes" && f[1] == node {
				if last = f[17]; last == state {
					return
				}
			}
		}
	}
	b.t.Fatalf("%s is %s, not %s", node, last, state)
}

// TestHAProxySendsATokenToOneNode checks that HAProxy finds the token wherever it may be, that the
// tokens are spread over the nodes, and that a node that is not ready loses its own tokens only.
func TestHAProxySendsATokenToOneNode(t *testing.T) {
	b := newBalancer(t)
	used, before := map[string]int{}, map[string]string{}
	for i := range 60 {
		token := fmt.Sprintf("eyJ.%dabc.def", i)
		node := b.get(token)
		used[node]++
		before[token] = node
		for _, req := range []*http.Request{
			b.request("GET", "/v1/items?q=a", "", "Authorization: Bearer "+token),
			b.request("GET", "/v1/items", "", "Authorization: DPoP "+token),
			b.request("GET", "/v1/items", "", "Authorization: bearer "+token),
			b.request("POST", "/v1/items", url.Values{"q": {"x"}, "access_token": {token}}.Encode()),
		} {
			if other := b.send(req); other != node {
				t.Errorf("token %d: %s, and with %s %v %s", i, node, req.Method, req.Header, other)
			}
		}
	}
	if len(used) != 3 || used["node1"] < 8 || used["node2"] < 8 || used["node3"] < 8 {
		t.Errorf("60 tokens are distributed as %v", used)
	}
	b.nodes[1].ready.Store(false)
	b.await("node2", "DOWN")
	for token, node := range before {
		if now := b.get(token); now == "node2" || node != "node2" && now != node {
			t.Errorf("%s: %s, and without node2 %s", token, node, now)
		}
	}
}

// TestHAProxyDrainsANode checks the steps by which a node is upgraded: no request goes to it, and
// none fails.
func TestHAProxyDrainsANode(t *testing.T) {
	b := newBalancer(t)
	if reply := b.command("set server nodes/node1 state drain"); strings.TrimSpace(reply) != "" {
		t.Fatal(reply)
	}
	for i := range 40 {
		if node := b.get(fmt.Sprint("t", i)); node != "node2" && node != "node3" {
			t.Fatalf("request %d: %s", i, node)
		}
	}
	b.nodes[0].server.Close()
	b.command("set server nodes/node1 state ready") // HAProxy has not noticed yet that it is gone
	for i := range 40 {
		if node := b.get(fmt.Sprint("t", i)); node != "node2" && node != "node3" {
			t.Fatalf("request %d, while no program listens at node1: %s", i, node)
		}
	}
}

// TestHAProxyLetsNodesExplain checks that the nodes respond themselves if none of them is ready:
// their response says `overloaded`, which widgets understand.
func TestHAProxyLetsNodesExplain(t *testing.T) {
	b := newBalancer(t)
	for _, n := range b.nodes {
		n.ready.Store(false)
	}
	for _, n := range b.nodes {
		b.await(n.name, "DOWN")
	}
	if node := b.get("a"); !strings.HasPrefix(node, "node") {
		t.Error(node)
	}
}

// TestHAProxySaysWhoCalls checks that a visitor can't choose the source address, and that no token
// is in the log.
func TestHAProxySaysWhoCalls(t *testing.T) {
	b := newBalancer(t)
	node := b.send(b.request("GET", "/v1/items?access_token=secret-token", "", "X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 198.51.100.2",
		"Forwarded: for=198.51.100.3", "X-Real-IP: 198.51.100.4"))
	b.send(b.request("POST", "/v1/items", "access_token=secret-token"))
	for _, n := range b.nodes {
		if n.name != node {
			continue
		}
		h := n.requests[0].Header
		if got := h["X-Forwarded-For"]; len(got) != 1 || got[0] != "127.0.0.1" || h["Forwarded"] != nil || h["X-Real-Ip"] != nil {
			t.Errorf("the node gets %v", h)
		}
	}
	if out := b.program.Log(); strings.Contains(out, "secret") || !regexp.MustCompile(`127\.0\.0\.1 GET /v1/items 200 `).MatchString(out) {
		t.Errorf("the log is:\n%s", out)
	}
}

// TestHAProxyEndsSlowRequests checks that a request whose header or form does not arrive is ended.
func TestHAProxyEndsSlowRequests(t *testing.T) {
	b := newBalancer(t, "timeout http-request 10s", "timeout http-request 500ms", "wait-for-body time 10s", "wait-for-body time 500ms")
	for name, text := range map[string]string{
		"header": "GET /v1/items HTTP/1.1\r\nHost: a\r\n",
		"form":   "POST /v1/items HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\naccess_token=",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		check(t, err)
		defer c.Close()
		fmt.Fprint(c, text)
		c.SetDeadline(time.Now().Add(5 * time.Second))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %v %v", name, res, err)
		}
	}
}

// TestHAProxyOnAServer checks that HAProxy accepts its configuration with exactly the variables of
// docs/cluster.md, and that its lines for a server, which are comments in the file, make it serve
// as another user than root.
func TestHAProxyOnAServer(t *testing.T) {
	var variables []string
	for _, b := range blocksOf(t, "cluster.md") {
		if b.file == "/etc/default/haproxy" {
			variables = strings.Split(strings.TrimSpace(b.text), "\n")[1:]
		}
	}
	accepts(t, read(t, deploy+"cluster/haproxy.cfg"), variables)
	accepts(t, asOnAServer(t), variables)
	if os.Getuid() != 0 {
		t.Skip("only root can start it as another user")
	}
	b := newBalancer(t, onAServer...)
	if node := b.get("a"); !strings.HasPrefix(node, "node") {
		t.Error(node)
	}
	process := fmt.Sprintf("/proc/%d/", b.program.PID())
	if status := read(t, process+"status"); !regexp.MustCompile(`(?m)^Uid:\t[1-9]`).MatchString(status) {
		t.Errorf("HAProxy serves as root:\n%s", status)
	}
	if root, err := os.Readlink(process + "root"); err != nil || root != "/var/lib/haproxy" {
		t.Errorf("HAProxy's root directory is %s %v", root, err)
	}
}

// onAServer removes the # from the lines that docs/cluster.md names.
var onAServer = []string{"    # user ", "    user ", "    # group ", "    group ", "    # chroot ", "    chroot "}

// asOnAServer returns the configuration with the lines that docs/cluster.md says to use.
func asOnAServer(t *testing.T) string {
	t.Helper()
	return replace(t, read(t, deploy+"cluster/haproxy.cfg"), onAServer...)
}

// accepts checks that HAProxy accepts a configuration, with no other variables than these.
func accepts(t *testing.T, configuration string, variables []string) {
	t.Helper()
	bin, err := engines.HAProxyProgram()
	check(t, err)
	cmd := exec.Command(bin, "-c", "-f", write(t, filepath.Join(t.TempDir(), "haproxy.cfg"), configuration, 0o644))
	cmd.Env = variables
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "WARNING") {
		t.Errorf("haproxy -c: %v\n%s", err, out)
	}
}

// TestHAProxyWithCertificate checks the lines for a certificate, which are comments in the file.
func TestHAProxyWithCertificate(t *testing.T) {
	text := replace(t, asOnAServer(t), "    bind \"${STILE_PROXY_LISTEN}\"\n", "", "    # bind ", "    bind ", "    # http-re", "    http-re",
		"/etc/haproxy/api.example.pem", combinedCertificate(t, t.TempDir()))
	accepts(t, text, []string{"STILE_PROXY_SOCKET=/s", "STILE_NODE1=127.0.0.1:1", "STILE_NODE2=127.0.0.1:2", "STILE_NODE3=127.0.0.1:3"})
}
