package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// damages are what may be wrong with the end of the write-ahead log after the machine has lost
// power. A damage that loses nothing must lose no call.
var damages = []struct {
	name  string
	loses bool
	to    func(wal []byte, rnd *rand.Rand) []byte
}{
	{"cut within a frame", true, func(wal []byte, rnd *rand.Rand) []byte { return wal[:len(wal)-1-rnd.IntN(min(len(wal)/2, 100_000))] }},
	{"zeros at the end", true, func(wal []byte, rnd *rand.Rand) []byte {
		clear(wal[len(wal)-1-rnd.IntN(min(len(wal)/2, 100_000)):])
		return wal
	}},
	{"a changed bit", true, func(wal []byte, rnd *rand.Rand) []byte {
		wal[len(wal)-1-rnd.IntN(min(len(wal)/2, 100_000))] ^= 1 << rnd.IntN(8)
		return wal
	}},
	{"garbage after the end", false, func(wal []byte, rnd *rand.Rand) []byte {
		for range 1 + rnd.IntN(20_000) {
			wal = append(wal, byte(rnd.Uint32()))
		}
		return wal
	}},
}

// TestR2DamagedTail kills the server under load and damages the end of its write-ahead log. The
// server starts. Calls that the log has lost may be missing, as after a loss of power. Everything
// agrees: `stile fsck` is clean, no token has more calls than were sent, and each call is charged.
func TestR2DamagedTail(t *testing.T) {
	rnd := random(t)
	const limit = 1000
	s := newServer(t, trusting+fmt.Sprintf("policy: {token: {calls: %d}}", limit))
	for range sized(1, 10) {
		for _, d := range damages {
			tokens := s.tokens(20)
			c := calls{make([]atomic.Int64, len(tokens)), make([]atomic.Int64, len(tokens))}
			s.killUnderLoad(tokens, &c)
			wal := filepath.Join(s.Dir, "data", "stile.db-wal")
			text, err := os.ReadFile(wal)
			s.must(err)
			if len(text) < 4096 {
				t.Fatalf("the log has only %d bytes", len(text))
			}
			s.must(os.WriteFile(wal, d.to(text, rnd), 0o600))
			s.must(s.Start())
			s.checkDamaged(d.name, d.loses, tokens, &c, limit)
		}
	}
}

func (s *server) checkDamaged(damage string, loses bool, tokens []string, c *calls, limit int) {
	s.t.Helper()
	if out := s.command("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		s.t.Errorf("%s: fsck: %s", damage, out)
	}
	missing := 0
	for i, token := range tokens {
		n := s.show(token).Calls
		if int64(n) > c.sent[i].Load() || n > limit {
			s.t.Errorf("%s: %d calls are counted, %d were sent", damage, n, c.sent[i].Load())
		}
		missing += max(0, int(c.answered[i].Load())-n)
		if a := s.mustGet("/v1/items/i1", token, addressOf(i)); a.code() != "" {
			s.t.Errorf("%s: a call afterwards: %s", damage, a.code())
		}
	}
	s.t.Logf("%s: %d of %d calls were lost", damage, missing, total(c.answered))
	if missing > 0 && !loses {
		s.t.Errorf("%s: %d calls were lost", damage, missing)
	}
}

// TestR4ReadOnlyDisk makes everything that writes to the disk fail with EROFS, as on a file system
// that the kernel has remounted read-only after an error. Calls are refused as overloaded, dead
// tokens remain dead, and service resumes without a restart.
func TestR4ReadOnlyDisk(t *testing.T) {
	s := newServer(t, trusting)
	tokens := s.tokens(3)
	s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1")
	s.mustGet("/v1/items/i1", tokens[1], "192.0.2.2")
	s.mustGet("/v1/items/i1", tokens[1], "203.0.113.9") // kills it
	strace := s.attach(fault{calls: "pwrite64,ftruncate,fsync,fdatasync,rename,renameat,unlink,unlinkat", errno: "EROFS", n: 1, onward: true}, os.DevNull)
	answered := 1
	s.until("overloaded", func() string {
		a := s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1")
		if a.code() == "" {
			answered++ // SQLite may still have had an open transaction
		}
		return a.code()
	})
	if code := s.mustGet("/v1/items/i1", tokens[2], "192.0.2.3").code(); code != "overloaded" {
		t.Errorf("a first call: %q", code)
	}
	if code := s.mustGet("/v1/items/i1", tokens[1], "192.0.2.2").code(); code != "token_hijacked" && code != "overloaded" {
		t.Errorf("a dead token: %q", code)
	}
	s.detach(strace)
	s.until("", func() string { return s.mustGet("/v1/items/i1", tokens[0], "192.0.2.1").code() })
	if code := s.mustGet("/v1/items/i1", tokens[1], "192.0.2.2").code(); code != "token_hijacked" {
		t.Errorf("a dead token afterwards: %q", code)
	}
	s.must(s.Kill())
	s.client.CloseIdleConnections()
	s.must(s.Start())
	if n := s.show(tokens[0]).Calls; n != answered+1 {
		t.Errorf("%d calls are counted, %d were answered", n, answered+1)
	}
	if out := s.command("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("fsck: %s", out)
	}
}

// detach ends strace, and with it the fault. The server continues.
func (s *server) detach(strace *exec.Cmd) {
	s.t.Helper()
	s.must(strace.Process.Signal(syscall.SIGINT))
	strace.Wait() // its exit code is that of the signal
}
