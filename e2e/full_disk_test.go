package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestR4FullDisk serves from a disk of 6 MB (a tmpfs in a mount namespace of
// the server's own) and fills it: a call that must be written is answered
// overloaded, what need not be is served, and once there is room again the
// server goes on without a restart.
func TestR4FullDisk(t *testing.T) {
	if out, err := exec.Command("unshare", "--map-root-user", "--mount", "true").CombinedOutput(); err != nil {
		t.Fatalf("this test needs user namespaces (sysctl kernel.unprivileged_userns_clone=1): %v %s", err, out)
	}
	s := &site{t: t, client: newClient()}
	s.Server = newServer(t, trusting)
	data := filepath.Join(s.Dir, "data")
	s.must(os.Mkdir(data, 0o700))
	s.Wrap = []string{"unshare", "--map-root-user", "--mount", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=6m,mode=700 tmpfs %s && exec "$@"`, data), "sh"}
	s.must(s.Start())
	t.Cleanup(func() { s.Kill() })
	inside := fmt.Sprintf("/proc/%d/root%s", s.PID(), data)
	s.Dir = s.linkTo(inside) // where commands find the data
	s.fillCorpus()

	tokens := s.tokens(2)
	if a := s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1"); a.code() != "" {
		t.Fatal(a.code())
	}
	fill(t, inside+"/filler")
	s.until("overloaded", func() string { return s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1").code() })
	if a := s.mustGet("/v1/items/i1", tokens[1], "192.0.2.1"); a.code() != "overloaded" {
		t.Errorf("a first call that cannot be stored was answered %q", a.code())
	}
	counted := s.mustGet("/v1/token", tokens[0], "192.0.2.1")
	s.must(os.Remove(inside + "/filler"))
	s.until("", func() string { return s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1").code() })
	if a := s.mustGet("/v1/items/i1", tokens[1], "203.0.113.9"); a.code() != "" {
		t.Errorf("a binding that was not stored holds: %q", a.code())
	}
	t.Logf("with the disk full /v1/token answered %q", counted.code())
	if n := strings.Count(s.Log(), `"level":"ERROR"`); n == 0 || n > 20 {
		t.Errorf("%d errors in the log, want one or a few", n)
	}
}

// fill writes a file until there is no room.
func fill(t *testing.T, file string) {
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
}

// linkTo makes a folder in which data is a link to dir.
func (s *site) linkTo(dir string) string {
	s.t.Helper()
	here := s.t.TempDir()
	s.must(os.Symlink(dir, filepath.Join(here, "data")))
	return here
}

// until calls fn until it says want.
func (s *site) until(want string, fn func() string) {
	s.t.Helper()
	var got string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = fn(); got == want {
			return
		}
	}
	s.t.Fatalf("got %q, not %q", got, want)
}
