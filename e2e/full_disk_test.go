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

// TestR4FullDisk fills the disk of the server. While the disk is full, a call that must be stored
// is refused as overloaded. Once there is space again, the server continues without a restart.
func TestR4FullDisk(t *testing.T) {
	s := onSmallDisk(t)
	inside := filepath.Join(s.Dir, "data")
	tokens := s.tokens(2)
	if a := s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1"); a.code() != "" {
		t.Fatal(a.code())
	}
	fill(t, inside+"/filler")
	s.until("overloaded", func() string { return s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1").code() })
	if a := s.mustGet("/v1/items/i1", tokens[1], "192.0.2.1"); a.code() != "overloaded" {
		t.Errorf("a first call that can't be stored: %q", a.code())
	}
	status := s.mustGet("/v1/token", tokens[0], "192.0.2.1")
	s.must(os.Remove(inside + "/filler"))
	s.until("", func() string { return s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1").code() })
	if a := s.mustGet("/v1/items/i1", tokens[1], "203.0.113.9"); a.code() != "" {
		t.Errorf("a first call from another address, after a binding that was not stored: %q", a.code())
	}
	t.Logf("/v1/token while the disk is full: %q", status.code())
	if n := strings.Count(s.Log(), `"level":"ERROR"`); n == 0 || n > 20 {
		t.Errorf("%d errors in the log, want 1 to 20", n)
	}
}

// onSmallDisk starts a server with a corpus, whose data is on a tmpfs of 6 MB in a mount namespace
// of its own.
func onSmallDisk(t *testing.T) *server {
	t.Helper()
	if out, err := exec.Command("unshare", "--map-root-user", "--mount", "true").CombinedOutput(); err != nil {
		t.Fatalf("user namespaces are missing (sysctl kernel.unprivileged_userns_clone=1): %v %s", err, out)
	}
	s := &server{t: t, client: newClient()}
	s.Server = unstarted(t, trusting)
	data := filepath.Join(s.Dir, "data")
	s.must(os.Mkdir(data, 0o700))
	s.Wrap = []string{"unshare", "--map-root-user", "--mount", "sh", "-c",
		fmt.Sprintf(`mount -t tmpfs -o size=6m,mode=700 tmpfs %s && exec "$@"`, data), "sh"}
	s.must(s.Start())
	t.Cleanup(func() { s.Kill() })
	s.Dir = s.linkTo(fmt.Sprintf("/proc/%d/root%s", s.PID(), data)) // in which commands find the data
	s.fillCorpus()
	return s
}

// fill writes a file until the disk is full.
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

// linkTo creates a directory in which data is a link to dir, and returns it.
func (s *server) linkTo(dir string) string {
	s.t.Helper()
	parent := s.t.TempDir()
	s.must(os.Symlink(dir, filepath.Join(parent, "data")))
	return parent
}

// until calls fn until it returns want, for at most 20 s.
func (s *server) until(want string, fn func() string) {
	s.t.Helper()
	s.untilWithin(20*time.Second, want, fn)
}

// untilWithin is until for another time.
func (s *server) untilWithin(most time.Duration, want string, fn func() string) {
	s.t.Helper()
	var got string
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = fn(); got == want {
			return
		}
	}
	s.t.Fatalf("got %q after %s, want %q", got, most, want)
}
