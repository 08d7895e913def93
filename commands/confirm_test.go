package commands

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestConfirmations runs each command that ends something in a script, where it must change nothing
// without --yes, and at a terminal.
func TestConfirmations(t *testing.T) {
	h := newHarness(t, "public_url: https://api.example\ntrusted_proxies: [192.0.2.0/28]\n")
	items := h.write("items.jsonl", threeItems)
	file := filepath.Join(h.dir, "b.tar")
	h.serve()
	h.must("tenant", "add", "acme", "--site", "https://www.acme.example")
	h.must("content", "import", items, "--tenant", "acme")
	for range 2 {
		h.get("/v1/items?client_id=acme", strings.TrimSpace(h.must("token", "issue", "acme")))
	}
	h.must("backup", file)
	for _, c := range []struct{ args, word, loss string }{
		{"tenant remove acme", "acme", "removing the tenant acme can't be undone: calls with 2 live tokens are refused from then on, and 3 items of its own, its secrets and settings are removed. The widgets stop at https://www.acme.example. Its usage is kept"},
		{"address allow 0.0.0.0/0", "yes", "0.0.0.0/0 is wider than a /24, and no rule"},
		{"address allow 203.0.113.0/23 --for 1h", "yes", "203.0.112.0/23 is wider than a /24"},
		{"address allow 2001:db8::/47", "yes", "2001:db8::/47 is wider than a /48"},
		{"address block 0.0.0.0/7", "yes", "0.0.0.0/7 is wider than a /8"},
		{"address block 192.0.2.7", "yes", "192.0.2.7/32 contains trusted proxies (192.0.2.0/28)"},
		{"backup " + file, "yes", file + " exists ("},
	} {
		c.args = strings.Replace(c.args, "203.0.113.0/23", "203.0.112.0/23", 1)
		args := strings.Fields(c.args)
		before := h.must("tenant", "list") + h.must("address", "list") + modified(t, file)
		unchanged := func(how string) {
			t.Helper()
			if now := h.must("tenant", "list") + h.must("address", "list") + modified(t, file); now != before {
				t.Errorf("stile %s, %s: something changed\n%s%s", c.args, how, before, now)
			}
		}
		if out, err, code := h.run(args...); code != failed || !strings.HasPrefix(err, "stile: "+c.loss) || !strings.HasSuffix(err, "; nothing was changed: to do it, add --yes\n") {
			t.Errorf("stile %s in a script: exit %d\n%s%s", c.args, code, out, err)
		}
		unchanged("in a script")
		h.tty, h.in = true, "no\n"
		if _, err, code := h.run(args...); code != failed || !strings.HasPrefix(err, c.loss) || !strings.Contains(err, "Type "+c.word+" to do it: stile: not confirmed; nothing was changed\n") {
			t.Errorf("stile %s, not confirmed: exit %d\n%s", c.args, code, err)
		}
		unchanged("not confirmed")
		h.in = c.word + "\n"
		if args[1] != "remove" { // it is needed for the others
			h.must(args...)
		}
		h.tty, h.in = false, ""
		if args[1] != "remove" {
			h.must(append(args, "--yes")...)
		}
	}
	h.tty, h.in = true, "acme\n"
	h.must("tenant", "remove", "acme")
}

// modified returns when a file was written.
func modified(t *testing.T, file string) string {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime().String()
}

// TestNothingToConfirm checks that commands that end nothing don't ask.
func TestNothingToConfirm(t *testing.T) {
	h := newHarness(t, "")
	h.must("tenant", "add", "acme")
	for _, args := range []string{
		"tenant rotate-secret acme --overlap 24h", "tenant rotate-secret acme --overlap 24h", "tenant rotate-secret acme --overlap 24h",
		"address allow 203.0.113.0/24", "address allow 2001:db8::/48", "address allow 203.0.0.0/16 --bindings 5000", "address block 198.51.100.0/24",
		"key rotate", "tenant suspend acme",
	} {
		h.must(strings.Fields(args)...)
	}
	h.tty = true
	if _, err, code := h.run("tenant", "rotate-secret", "acme", "--overlap", "24h"); code != failed || !strings.Contains(err, "acme has 4 valid secrets, the maximum") {
		t.Errorf("a fifth secret: exit %d %s", code, err)
	}
	if _, err, code := h.run("tenant", "rotate-secret", "acme"); code != failed || !strings.Contains(err, "the present secret of acme is invalid immediately") {
		t.Errorf("without an overlap: exit %d %s", code, err)
	}
	h.tty = false
	h.must("tenant", "rotate-secret", "acme") // a script knows what it does
	if _, err, code := h.run("tenant", "remove", "nobody"); code != failed || !strings.Contains(err, "there is no tenant nobody") {
		t.Errorf("a tenant that does not exist: exit %d %s", code, err)
	}
	if _, err, code := h.run("backup", h.dir, "--yes"); code != failed || !strings.Contains(err, h.dir+": must be a new file, or a regular file") {
		t.Errorf("a directory: exit %d %s", code, err)
	}
}

// TestFilesOfOthers checks that export asks at a terminal before it replaces a file, that - is
// standard output there, and that a backup has none.
func TestFilesOfOthers(t *testing.T) {
	h := newHarness(t, "")
	h.must("content", "import", h.write("items.jsonl", threeItems))
	file := h.write("notes.txt", "mine")
	h.tty = true
	if _, err, code := h.run("content", "export", file); code != failed || !strings.Contains(err, "exists") || h.read("notes.txt") != "mine" {
		t.Errorf("exit %d: %s", code, err)
	}
	h.must("content", "export", file, "--yes")
	if out := h.must("content", "export", "-"); out != h.read("notes.txt") || strings.Count(out, "\n") != 3 {
		t.Errorf("standard output: %s", out)
	}
	out, err, code := h.run("backup", "-")
	if code != usageError || out != "" || !strings.Contains(err, "must be a FILE") {
		t.Errorf("backup -: exit %d %s%s", code, out, err)
	}
}

// TestOwnFiles checks that no output replaces a file that stile needs, also with --yes.
func TestOwnFiles(t *testing.T) {
	h := newHarness(t, "")
	h.must("content", "import", h.write("items.jsonl", threeItems))
	for _, name := range []string{"data/keys.json", "data/stile.db", "data/stile.db-wal", "data/corpus-1.db", "data/corpus-9.db", "data/stile.lock", "data/../data/keys.json", "stile.yaml"} {
		file := h.dir + "/" + name
		before, _ := os.ReadFile(file)
		for _, command := range []string{"content export", "backup"} {
			if _, err, code := h.run(append(strings.Fields(command), file, "--yes")...); code != failed || !strings.Contains(err, "stile itself needs this file") {
				t.Errorf("%s %s: exit %d %s", command, name, code, err)
			}
		}
		if after, _ := os.ReadFile(file); string(after) != string(before) {
			t.Errorf("%s has changed", name)
		}
	}
}

// TestQuestionIsInterrupted checks that a question at a terminal can be interrupted.
func TestQuestionIsInterrupted(t *testing.T) {
	h := newHarness(t, "")
	h.must("tenant", "add", "acme")
	ctx, interrupt := context.WithCancel(t.Context())
	p := h.program(io.Discard, writerFunc(func(b []byte) {
		if strings.Contains(string(b), "Type acme") {
			interrupt()
		}
	}))
	p.in, _ = io.Pipe()
	p.terminal = true
	done := make(chan int)
	go func() { done <- p.main(ctx, []string{"tenant", "remove", "acme"}) }()
	select {
	case code := <-done:
		if code != failed {
			t.Errorf("exit %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it still waits for an answer")
	}
	if out := h.must("tenant", "list"); !strings.Contains(out, "acme") {
		t.Errorf("the tenant was removed: %s", out)
	}
}

// writerFunc is called with what is written.
type writerFunc func([]byte)

func (w writerFunc) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
