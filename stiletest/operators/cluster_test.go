package operators

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/stiletest/ports"
)

// TestRunCluster runs the script of `make run-cluster`: its demo is served through HAProxy, also
// while a node ends, and nothing is left at the end.
func TestRunCluster(t *testing.T) {
	port := freeBlock(t)
	temp := openDir(t) // PostgreSQL runs as another user
	check(t, os.Chmod(temp, 0o755))
	cmd := exec.Command(deploy + "cluster/run.sh")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, fmt.Sprint("PORT=", port), "STILE=" + binary}
	out := newWatched()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	check(t, cmd.Start())
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		syscall.Kill(cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			t.Errorf("the script does not end:\n%s", out)
		}
	})
	out.await(t, ended, "Ctrl-C stops all of it", 3*time.Minute)

	base := fmt.Sprint("http://127.0.0.1:", port)
	secret := regexp.MustCompile(`demo:(stile_\S+)`).FindStringSubmatch(out.String())[1]
	res, err := http.PostForm(base+"/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"demo"}, "client_secret": {secret}})
	check(t, err)
	token := regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(textOf(t, res))[1]
	call := func() int {
		res, err := http.Get(base + "/v1/items?limit=1&client_id=demo&access_token=" + token)
		check(t, err)
		textOf(t, res)
		return res.StatusCode
	}
	if status := call(); status != http.StatusOK {
		t.Fatalf("a call has the status %d:\n%s", status, out)
	}
	known, seen := metricsOf(t, "cluster.md"), families(t, string(body(t, fmt.Sprint("http://127.0.0.1:", port+1, "/metrics"))))
	for name, labels := range known {
		for _, m := range seen[name].GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(labels, l.GetName()) {
					t.Errorf("%s{%s} is not in the table", name, l.GetName())
				}
			}
		}
		if seen[name] == nil && !slices.Contains([]string{"stile_node_task", "stile_engine_failures_total"}, name) {
			t.Errorf("%s is in the table of docs/cluster.md, but a node does not have it", name)
		}
	}
	pid, err := strconv.Atoi(regexp.MustCompile(`node2 +kill (\d+)`).FindStringSubmatch(out.String())[1])
	check(t, err)
	check(t, syscall.Kill(pid, syscall.SIGTERM))
	failed := 0 // docs/cluster.md: one call may fail, on a connection that the node closes meanwhile
	for n := 0; n < 20 || !strings.Contains(out.String(), "node2 has ended"); n++ {
		if status := call(); status != http.StatusOK {
			t.Logf("while a node ends, a call has the status %d", status)
			failed++
		}
		if n == 1800 {
			t.Fatalf("node2 has not ended after 90 s:\n%s", out)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if failed > 1 {
		t.Errorf("while a node ends, %d calls fail", failed)
	}
	check(t, syscall.Kill(cmd.Process.Pid, syscall.SIGINT))
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatalf("the script does not end:\n%s", out)
	}
	if left, err := filepath.Glob(temp + "/stile-cluster-*"); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v %v", left, err)
	}
	if c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port+30)); err == nil {
		c.Close()
		t.Error("PostgreSQL still runs")
	}
}

// TestRunClusterKeep checks that PostgreSQL, which runs as another user, can reach a directory that
// did not exist, and that the script says why if it can't.
func TestRunClusterKeep(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root starts PostgreSQL as another user")
	}
	temp := openDir(t) // only root can enter it
	run := func() string {
		cmd := exec.Command(deploy + "cluster/run.sh")
		// With this program, it ends after its engines have started.
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), fmt.Sprint("PORT=", freeBlock(t)), "KEEP=" + temp + "/new/kept", "STILE=/bin/false"}
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Error("it has not failed")
		}
		return string(out)
	}
	if out := run(); !strings.Contains(out, "can't reach "+temp+"/new/kept: choose a KEEP") {
		t.Error(out)
	}
	check(t, os.Chmod(temp, 0o755))
	if out := run(); !strings.Contains(out, "node1 is not ready") {
		t.Error(out)
	}
}

// freeBlock returns the first of 60 ports of which those that the script uses are free.
func freeBlock(t *testing.T) int {
	t.Helper()
	for range 50 {
		port, err := ports.Block()
		check(t, err)
		free := true
		for _, n := range []int{1, 2, 3, 10, 21, 22, 23, 30, 41, 42, 43, 51, 52, 53} {
			l, err := net.Listen("tcp", fmt.Sprint(":", port+n))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return port
		}
	}
	t.Fatal("there are no free ports")
	return 0
}

func textOf(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(t, err)
	return string(text)
}

// watched is the output of a program that a test waits for.
type watched struct{ recorder }

func newWatched() *watched { return &watched{} }

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.String()
}

// await waits until the program has written a text.
func (w *watched) await(t *testing.T, ended chan struct{}, text string, limit time.Duration) {
	t.Helper()
	for end := time.Now().Add(limit); !strings.Contains(w.String(), text); time.Sleep(50 * time.Millisecond) {
		select {
		case <-ended:
			t.Fatalf("the program has ended:\n%s", w)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("after %v, the program has not written %q:\n%s", limit, text, w)
		}
	}
}

// TestClusterPage executes the first cluster of docs/cluster.md: its SQL on a real PostgreSQL, its
// settings of Valkey on a real one, its commands in a shell, and HAProxy's commands.
func TestClusterPage(t *testing.T) {
	root := t.TempDir()
	postgres := engines.NewPostgres(t, false)
	listen := "127.0.0.1:" + strconv.Itoa(freePort(t))
	day := &shell{t: t, root: root, listen: listen}
	blocks := blocksOf(t, "cluster.md")
	valkey := ""
	// As on the first day.
	rest := []block{{kind: "sh", text: "export STILE_CONFIG=/etc/stile/stile.yaml\n"}}
	for _, b := range blocks {
		switch {
		case b.kind == "sql":
			psql(t, postgres.URL("postgres"), strings.NewReplacer("ROLE stile", "ROLE operator", "OWNER stile", "OWNER operator").Replace(b.text))
		case b.file == "/etc/valkey/valkey.conf":
			lines := strings.Split(strings.TrimSpace(replace(t, b.text, "bind 127.0.0.1 10.0.0.31", "bind 127.0.0.1")), "\n")
			// The lines are valid. A single server without them serves all keys.
			check(t, acceptsAll(t, lines[1:]))
			valkey = engines.Valkey(t, slices.DeleteFunc(lines[1:], func(l string) bool { return strings.HasPrefix(l, "cluster-") })...).Addr
		case b.kind == "haproxy":
			p := newBalancer(t)
			for command := range strings.Lines(b.text) {
				if reply := p.command(strings.TrimSpace(command)); strings.Contains(reply, "Unknown") || strings.Contains(reply, "No such") {
					t.Errorf("%s%s", command, reply)
				}
			}
		case b.kind == "ini":
			for line := range strings.Lines(b.text) {
				name, _, isSetting := strings.Cut(line, "=")
				if isSetting && !strings.Contains(read(t, deploy+"cluster/haproxy.cfg"), "${"+name+"}") {
					t.Errorf("haproxy.cfg does not use %s", name)
				}
			}
		case b.kind == "yaml":
			b.text = replace(t, b.text, "stile@db.internal/stile?sslmode=verify-full", "operator@"+postgres.Addr+"/stile?sslmode=disable",
				"valkey1.internal:6379,valkey://valkey2.internal:6379,valkey://valkey3.internal:6379", valkey,
				`":8080"`, `"`+listen+`"`)
			rest = append(rest, b)
		case b.kind == "sh":
			rest = append(rest, b)
		default:
			t.Errorf("nobody executes a block of the kind %s", b.kind)
		}
	}
	write(t, filepath.Join(root, "srv/corpus/recipes.jsonl"), `{"id":"plum-cake","title":"Plum cake"}`+"\n", 0o644)
	for _, dir := range []string{"clone/bin", "usr/local/bin", "var/lib", "etc/profile.d", "etc/stile", "etc/systemd/system"} {
		check(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	write(t, filepath.Join(root, "etc/systemd/system/stile.service"), day.here(contentOf(t, "/etc/systemd/system/stile.service")), 0o644)
	check(t, os.Symlink(binary, filepath.Join(root, "usr/local/bin/stile")))
	outputs := strings.Join(day.run(rest), "\n")
	for _, says := range []string{`(?m)^settings +ok`, `"status":"ready"`, `(?m)^NODE +KIND`, `added 1, `, `client_secret +stile_`} {
		if !regexp.MustCompile(says).MatchString(outputs) {
			t.Errorf("no block prints %s:\n%s", says, outputs)
		}
	}
}

// psql executes statements, each on its own.
func psql(t *testing.T, url, statements string) {
	t.Helper()
	for statement := range strings.SplitSeq(strings.TrimSpace(statements), "\n") {
		run(t, "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement)
	}
}

// acceptsAll returns an error unless a Valkey starts with these settings.
func acceptsAll(t *testing.T, lines []string) error {
	t.Helper()
	e := engines.Valkey(t, lines...)
	c, err := net.Dial("tcp", e.Addr)
	if err == nil {
		err = c.Close()
	}
	return err
}
