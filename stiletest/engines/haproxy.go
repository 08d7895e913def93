package engines

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// HAProxy is HAProxy in front of three nodes. Its Engine's Addr is what clients connect to.
type HAProxy struct {
	*Engine
	socket string // of its own commands
}

// HAProxyProgram returns the path of HAProxy's program.
func HAProxyProgram() (string, error) {
	return program("haproxy", "/usr/sbin") // which is not in the PATH of every user
}

// NewHAProxy starts HAProxy with a configuration, in which STILE_NODE1 to STILE_NODE3 are the
// nodes, as host:port.
func NewHAProxy(t testing.TB, configuration string, nodes [3]string) *HAProxy {
	t.Helper()
	h, err := newHAProxy(t, configuration, nodes)
	if err == nil {
		err = h.launch()
	}
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return h
}

func newHAProxy(t testing.TB, configuration string, nodes [3]string) (*HAProxy, error) {
	bin, err := HAProxyProgram()
	if err != nil {
		return nil, err
	}
	e, err := newEngine(t, "haproxy")
	if err != nil {
		return nil, err
	}
	file, err := e.write("haproxy.cfg", configuration)
	h := &HAProxy{Engine: e, socket: filepath.Join(e.dir, "admin.sock")}
	e.argv = func(e *Engine) []string {
		argv := []string{"env", "STILE_PROXY_SOCKET=" + h.socket, "STILE_PROXY_LISTEN=" + e.Addr}
		for i, node := range nodes {
			argv = append(argv, fmt.Sprintf("STILE_NODE%d=%s", i+1, node))
		}
		return append(argv, bin, "-db", "-f", file)
	}
	e.ready = func(*Engine) error { _, err := h.Command("show version"); return err }
	return h, err
}

// Configuration returns the configuration that operators get, deploy/cluster/haproxy.cfg.
func Configuration() (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "deploy", "cluster", "haproxy.cfg"))
	return string(text), err
}

// Log returns the end of what it has written: errors, and a line for each request.
func (h *HAProxy) Log() string { return string(h.log()) }

// Command sends a command to HAProxy itself, and returns its reply.
func (h *HAProxy) Command(text string) (string, error) {
	c, err := net.DialTimeout("unix", h.socket, time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(maxStop))
	fmt.Fprintln(c, text)
	reply, err := io.ReadAll(c)
	return string(reply), err
}
