package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fault is a system call that fails in the real program. strace counts the calls of each thread, so
// that the n-th fails in each. Several lines of names are one kind of call.
type fault struct {
	calls   string // names for strace
	errno   string
	n       int
	onward  bool // all calls from the n-th on fail
	atStart bool // the server is started with it; otherwise it begins when the server is ready
}

func (f fault) String() string {
	s := fmt.Sprintf("%s %s %d", strings.ReplaceAll(f.calls, ",", "/"), f.errno, f.n)
	if f.onward {
		s += " and later"
	}
	if f.atStart {
		s += " from the start"
	}
	return s
}

// strace returns the arguments that inject the fault, and write the calls to a file.
func (f fault) strace(log string) []string {
	when := fmt.Sprint(f.n)
	if f.onward {
		when += "+"
	}
	return []string{"-f", "-o", log, "-e", "trace=" + f.calls, "-e", fmt.Sprintf("inject=%s:error=%s:when=%s", f.calls, f.errno, when)}
}

// faultCalls are the kinds of system calls that a test lets fail.
var faultCalls = []string{"openat", "write", "pwrite64", "fsync,fdatasync", "rename,renameat,renameat2", "unlink,unlinkat"}

// maxFault is the largest n. Only pwrite64 is called more often by a thread.
const maxFault = 60

// TestR3SystemCalls lets the n-th call of each kind of system call fail in the real program, while
// tokens are bound, used, challenged and revoked, and an address is blocked. Then the program is
// killed and started without faults. `stile fsck` is clean, and everything that was acknowledged is
// still so. A short run tries a sample; with -hard, each n until no call fails any more.
func TestR3SystemCalls(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("strace is missing: apt-get install strace")
	}
	template := faultTemplate(t)
	if !*hard {
		injected := 0
		for _, f := range sampleFaults(t) {
			t.Run(f.String(), func(t *testing.T) { injected += runFault(t, template, f) })
		}
		if injected == 0 {
			t.Error("no system call failed")
		}
		return
	}
	for _, calls := range faultCalls {
		for _, errno := range []string{"EIO", "ENOSPC"} {
			for _, atStart := range []bool{false, true} {
				allFaults(t, template, fault{calls: calls, errno: errno, atStart: atStart})
			}
		}
	}
}

// sampleFaults returns one fault for each kind of call. That of the first is there from the start.
func sampleFaults(t *testing.T) (all []fault) {
	rnd := random(t)
	for i, calls := range faultCalls {
		f := fault{calls: calls, errno: []string{"EIO", "ENOSPC"}[rnd.IntN(2)], n: 1 + rnd.IntN(3), onward: rnd.IntN(3) == 0}
		if i == 0 { // the first files that a program opens are its libraries
			f.atStart, f.n = true, 20+rnd.IntN(10)
		}
		all = append(all, f)
	}
	return all
}

// allFaults tries n = 1, 2, ... until no call fails any more, and "all from the n-th on" for some.
func allFaults(t *testing.T, template string, f fault) {
	for f.n = 1; f.n <= maxFault; f.n++ {
		injected := 0
		for _, f.onward = range []bool{false, true} {
			if f.onward && f.n != 1 && f.n != 2 && f.n != 4 {
				continue
			}
			injected = 1 // if the test fails
			t.Run(f.String(), func(t *testing.T) { injected = runFault(t, template, f) })
		}
		if injected == 0 {
			t.Logf("%s: no call any more", f)
			if f.n == 1 {
				t.Errorf("%s: no such call", f)
			}
			return
		}
	}
}

const faultSettings = trusting + "policy: {spike: {calls: 4}, token: {calls: 50}}"

// faultTemplate returns a data directory with a corpus and the tenant.
func faultTemplate(t *testing.T) string {
	s := newStrictServer(t, faultSettings)
	s.must(s.Stop())
	s.write("secret", s.secret)
	corpus, err := os.ReadFile(filepath.Join(s.Dir, "corpus.jsonl"))
	s.must(err)
	s.write("moved.jsonl", regexp.MustCompile(`"collection":"c."`).ReplaceAllString(string(corpus), `"collection":"moved"`))
	return s.Dir
}

// runFault runs the workload with a fault on a copy of the template, and checks what is left. It
// returns how many system calls failed.
func runFault(t *testing.T, template string, f fault) (injected int) {
	s := &server{t: t, client: newClient()}
	// Each call has its own connection: Go's client repeats a call if a connection that it has used
	// before ends without a response, and the server has counted both.
	s.client.Transport.(*http.Transport).MaxIdleConnsPerHost = -1
	s.Server = unstarted(t, faultSettings)
	s.Env = nil
	s.must(os.CopyFS(s.Dir, os.DirFS(template)))
	s.must(os.RemoveAll(filepath.Join(s.Dir, "stile.sock")))
	secret, err := os.ReadFile(filepath.Join(s.Dir, "secret"))
	s.must(err)
	s.secret = string(secret)
	t.Cleanup(func() { s.Kill() })
	log := filepath.Join(s.Dir, "strace")
	w := &workload{server: s}
	if f.atStart {
		s.Wrap = append([]string{"strace", "-D"}, f.strace(log)...)
		err := s.Start()
		s.Wrap = nil
		if err == nil && w.obtain() == nil {
			w.run()
		}
	} else {
		s.must(s.Start())
		s.must(w.obtain())
		strace := s.attach(f, log)
		w.run()
		s.must(s.Kill())
		strace.Wait() // it ends with the server
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	text, err := os.ReadFile(log)
	s.must(err)
	injected = strings.Count(string(text), "(INJECTED)")
	s.must(s.Start())
	w.check()
	if !t.Failed() {
		t.Logf("%d system calls failed; acknowledged: %s", injected, w)
	} else {
		t.Logf("log after the fault:\n%s", s.Log())
	}
	return injected
}

// attach injects a fault into the running server, by the strace that it returns.
func (s *server) attach(f fault, log string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command("strace", append(f.strace(log), "-p", fmt.Sprint(s.PID()))...)
	pipe, err := cmd.StderrPipe()
	s.must(err)
	s.must(cmd.Start())
	in := bufio.NewScanner(pipe)
	for in.Scan() {
		if strings.Contains(in.Text(), "attached") {
			go func() {
				for in.Scan() { // so that strace never waits for a reader
				}
			}()
			return cmd
		}
	}
	cmd.Wait()
	s.t.Fatalf("strace can't attach (ptrace must be permitted): %v", in.Err())
	return nil
}

// workload is what runs during a fault, and what of it was acknowledged.
type workload struct {
	*server
	bound, hijacked, spiking, revoked string // tokens

	sent, answered                        int // calls of the bound token
	isDead, isChallenged, isRevoked       bool
	isBlocked, isImported, isAdded, isOut bool
	isRotated                             bool // the signing key
}

func (w *workload) String() string {
	return fmt.Sprintf("%d of %d calls, dead %t, challenged %t, revoked %t, blocked %t, imported %t, added %t, exported %t, rotated %t",
		w.answered, w.sent, w.isDead, w.isChallenged, w.isRevoked, w.isBlocked, w.isImported, w.isAdded, w.isOut, w.isRotated)
}

// obtain obtains the tokens.
func (w *workload) obtain() error {
	for _, token := range []*string{&w.bound, &w.hijacked, &w.spiking, &w.revoked} {
		var err error
		if *token, err = w.Token("acme", w.secret); err != nil {
			return err
		}
	}
	return nil
}

// run calls, and notes what was acknowledged. Every step may fail.
func (w *workload) run() {
	w.client.Timeout = 5 * time.Second
	w.callBound()
	w.code(w.hijacked, "192.0.2.2")
	w.isDead = w.code(w.hijacked, "203.0.113.9") == "token_hijacked"
	if code := w.code(w.hijacked, "192.0.2.2"); w.isDead && code == "" {
		w.t.Error("a dead token was admitted during the fault")
	}
	for range 7 {
		if code := w.code(w.spiking, "192.0.2.3"); code == "challenge_required" {
			w.isChallenged = true
		} else if w.isChallenged && code == "" {
			w.t.Error("a call was admitted with a challenge open, during the fault")
		}
	}
	w.code(w.revoked, "192.0.2.4")
	w.isRevoked = w.succeeds("token", "revoke", w.revoked)
	w.isBlocked = w.succeeds("address", "block", "198.51.100.7", "--for", "1h", "--reason", "test")
	w.isImported = w.succeeds("content", "import", "moved.jsonl")
	w.isAdded = w.succeeds("tenant", "add", "second")
	w.isOut = w.succeeds("backup", "out.tar")
	w.isRotated = w.succeeds("key", "rotate")
	w.callBound()
}

// callBound calls with the bound token, in the limits of a spike.
func (w *workload) callBound() {
	for range 2 {
		w.sent++
		if w.code(w.bound, "192.0.2.1") == "" {
			w.answered++
		}
	}
}

// code calls, and returns the code, or "none" if there was no response.
func (w *workload) code(token, from string) string {
	a, err := w.get("/v1/items/i1", token, from)
	if err != nil {
		w.client.CloseIdleConnections()
		return "none"
	}
	switch a.code() {
	case "", "overloaded", "internal", "token_hijacked", "challenge_required", "token_revoked":
	default:
		w.t.Errorf("a call during the fault: %s", a.code())
	}
	return a.code()
}

// succeeds runs a command, and reports whether it succeeded.
func (w *workload) succeeds(args ...string) bool {
	_, err := w.Command(args...)
	return err == nil
}

// check checks, without faults, that nothing is lost that was acknowledged.
func (w *workload) check() {
	w.t.Helper()
	w.client.Timeout = 20 * time.Second
	if out := w.command("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		w.t.Errorf("fsck: %s", out)
	}
	if w.revoked == "" {
		return // the server did not start, or issued no tokens
	}
	counted := 0
	for _, token := range []string{w.bound, w.hijacked, w.spiking, w.revoked} {
		counted += w.show(token).Calls
	}
	if calls := w.show(w.bound).Calls; calls < w.answered || calls > w.sent {
		w.t.Errorf("%d calls are counted, of %d answered and %d sent", calls, w.answered, w.sent)
	}
	if charged := w.charged(); charged != counted {
		w.t.Errorf("%d calls are charged, %d are counted", charged, counted)
	}
	w.wantAfter(w.isChallenged, "challenge_required", w.spiking, "192.0.2.3")
	w.wantAfter(w.answered > 0, "token_hijacked", w.bound, "203.0.113.9")
	w.wantAfter(w.isDead, "token_hijacked", w.hijacked, "192.0.2.2")
	w.wantAfter(w.isRevoked, "token_revoked", w.revoked, "192.0.2.4")
	w.wantAfter(w.isBlocked, "address_blocked", w.tokens(1)[0], "198.51.100.7")
	w.checkContent()
}

// wantAfter checks what a call gets after the fault, if that was acknowledged.
func (w *workload) wantAfter(acknowledged bool, code, token, from string) {
	w.t.Helper()
	if got := w.mustGet("/v1/items/i1", token, from).code(); acknowledged && got != code {
		w.t.Errorf("after the fault: %q, want %q", got, code)
	}
}

// checkContent checks that the import has happened or not, and not in part, that the tenant and the
// new key exist, and that the backup can be restored.
func (w *workload) checkContent() {
	w.t.Helper()
	n := strings.Count(w.command("content", "list", "--limit", "100", "--json"), `"moved"`)
	if n != 0 && n != 30 || w.isImported && n == 0 {
		w.t.Errorf("%d of 30 items are in their new collection; acknowledged: %t", n, w.isImported)
	}
	if w.isAdded && !w.succeeds("tenant", "show", "second") {
		w.t.Error("the tenant that was added is missing")
	}
	var keys []struct{}
	if w.must(w.CommandJSON(&keys, "key", "list")); w.isRotated && len(keys) != 2 {
		w.t.Errorf("%d keys after a rotation, want 2", len(keys))
	}
	if w.isOut && !w.succeeds("restore", "out.tar", "--data", filepath.Join(w.t.TempDir(), "restored")) {
		w.t.Error("the backup can't be restored")
	}
}
