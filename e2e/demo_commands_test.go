package e2e

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stile.example/stile/stiletest/ports"
)

// TestDemoCommands runs the demo as `make run` does, and executes each command that it prints, in
// the directory that it was started in. The output of each is what its description says.
func TestDemoCommands(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bin", "stile")); err != nil {
		t.Fatal(err)
	}
	printed := startDemo(t, dir)
	command := regexp.MustCompile(`(?m)^  (?:TOKEN=|curl |echo |\./bin/stile |stile ).*$`)
	lines := command.FindAllString(printed, -1)
	wants := []string{"", `"data":[{"id":"`, `New Zealand`, `show({"data":{"id":"iceland"`, `"facets":{"collection"`, "client_id", "demo"}
	if len(lines) != len(wants) {
		t.Fatalf("the demo prints %d commands, want %d:\n%s", len(lines), len(wants), printed)
	}
	script := exec.Command("bash", "-eu", "-c", strings.Join(lines, "\necho; echo ----\n"))
	script.Dir = dir
	script.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, got := range strings.Split(string(out), "\n----\n") {
		if !strings.Contains(got, wants[i]) || strings.Contains(got, `"error"`) {
			t.Errorf("%s\nprints %s", lines[i], got)
		}
	}
	for _, m := range regexp.MustCompile(`http://\S+`).FindAllString(printed, -1) {
		m = strings.TrimRight(m, `/"?&`)
		if strings.Contains(m, "/v1/") || strings.Contains(m, "/oauth/") {
			continue // a command above
		}
		if res, err := http.Get(m); err != nil || res.StatusCode != 200 {
			t.Errorf("the printed URL %s: %v %v", m, res, err)
		}
	}
}

// startDemo starts the demo on free ports, and returns what it prints. It stops with the test.
func startDemo(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("./bin/stile", "serve", "--demo", "--listen", freeAddress(t), "--admin-listen", freeAddress(t), "--demo-listen", freeAddress(t))
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	printed, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		var text strings.Builder
		for in := bufio.NewScanner(out); in.Scan(); {
			text.WriteString(in.Text() + "\n")
			if strings.Contains(in.Text(), "Ctrl-C stops") {
				printed <- text.String()
			}
		}
		io.Copy(io.Discard, out)
		ended <- cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT)
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with %v after Ctrl-C", err)
		}
	})
	select {
	case text := <-printed:
		return text
	case <-time.After(30 * time.Second):
		t.Fatal("the demo does not start")
	}
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := ports.Free()
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}
