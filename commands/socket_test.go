package commands

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/socket"
)

// TestStaleSocket checks that the socket of a killed server does not stop a server or a command.
func TestStaleSocket(t *testing.T) {
	h := newHarness(t, "")
	h.must("tenant", "add", "acme")
	l, err := net.Listen("unix", socket.File(h.dir+"/data"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	h.must("tenant", "list")
	h.serve()
	h.must("tenant", "list")
	info, err := os.Stat(socket.File(h.dir + "/data"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}
}

// TestHeldData checks the error for a data directory that another process holds without responding.
func TestHeldData(t *testing.T) {
	h := newHarness(t, "")
	s := mustLoad(t, h)
	held, err := datadir.Open(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err, code := h.run("tenant", "list"); code != failed || !strings.Contains(err, "held by another process that does not respond") {
		t.Errorf("exit %d: %s", code, err)
	}
	if err := held.Announce("`stile content import` is running, process 7, since noon"); err != nil {
		t.Fatal(err)
	}
	if _, err, code := h.run("tenant", "list"); code != failed || !strings.HasSuffix(err, "/data is in use: `stile content import` is running, process 7, since noon; try again when that is done\n") {
		t.Errorf("exit %d: %s", code, err)
	}
	held.Close()
	h.must("tenant", "list")
	held, err = datadir.Open(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err, _ := h.run("tenant", "list"); !strings.Contains(err, "held by another process that does not respond") {
		t.Errorf("an old announcement is shown: %s", err)
	}
	held.Close()
}

// TestBrokenImport checks that an import changes nothing if its command is killed at any point.
func TestBrokenImport(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	for _, sent := range []string{"", `{"id":"x","collection":"","title":"X"}` + "\n", `{"id":"x","title":"X"}` + "\n" + `{"end":2}` + "\n", `{"id":"x","title":"X"}` + "\n" + `{"id":"y"}` + "\n" + `{"end":2}` + "\n"} {
		c, err := net.Dial("unix", socket.File(h.dir+"/data"))
		if err != nil {
			t.Fatal(err)
		}
		body := "{}\n" + sent
		fmt.Fprintf(c, "POST /2/content%%20import HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
		if strings.Contains(sent, "end") {
			io.WriteString(c, "0\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(res.Body); !strings.Contains(string(text), `"error":"`) || strings.Contains(string(text), "know the operation") {
				t.Errorf("%q: %s", sent, text)
			}
		}
		c.Close()
	}
	h.write("items.jsonl", threeItems)
	// The import of the killed command may still be running.
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err, code := h.run("content", "import", filepath.Join(h.dir, "items.jsonl")); code == done {
			break
		} else if !strings.Contains(err, "another import is running") || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if out := h.must("content", "list"); strings.Contains(out, "x") && strings.Contains(out, "X") {
		t.Errorf("a part of it was imported: %s", out)
	}
}

// TestFailedImportIsOver checks that the server is no longer busy with an import when the command
// of the import has failed because its source can't be read to the end.
func TestFailedImportIsOver(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	good := h.write("good.jsonl", threeItems)
	h.must("content", "import", good)
	bad := h.write("bad.jsonl", lines("c", 3000)+"{\n")
	for range 20 {
		if _, err, code := h.run("content", "import", bad); code != failed || !strings.Contains(err, "bad.jsonl:3001: ") || !strings.Contains(err, "nothing was imported") {
			t.Fatalf("exit %d: %s", code, err)
		}
		if _, err, code := h.run("content", "import", good); code != done {
			t.Fatalf("exit %d: %s", code, err)
		}
	}
}

// TestRefusedWhileWaiting checks that an import that waits for its standard input ends when the
// server refuses it.
func TestRefusedWhileWaiting(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	in, out := io.Pipe()
	defer out.Close()
	go io.WriteString(out, lines("c", 3000)) // more than waits in buffers
	var said output
	p := h.program(io.Discard, &said)
	p.in = in
	if code := p.main(t.Context(), strings.Fields("content import - --format jsonl --tenant nobody")); code != failed || !strings.Contains(said.String(), "there is no tenant nobody") {
		t.Errorf("exit %d: %s", code, &said)
	}
}

// TestEarlyRefusal checks that a large import that the server refuses at the start ends with the
// server's reason, not with a broken pipe.
func TestEarlyRefusal(t *testing.T) {
	h := newHarness(t, "")
	var large strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&large, `{"id":"i%d","title":"T","body":"<p>%s</p>"}`+"\n", n, strings.Repeat("word ", 50))
	}
	file := h.write("large.jsonl", large.String())
	h.serve()
	for range 3 {
		_, err, code := h.run("content", "import", file, "--tenant", "nobody")
		if code != failed || !strings.Contains(err, "there is no tenant nobody") {
			t.Errorf("exit %d: %s", code, err)
		}
	}
}

// TestWriteFile checks that a file is written completely or left as it was.
func TestWriteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	fill := func(text string, err error) error {
		return writeFile(name, func(w io.Writer) error { io.WriteString(w, text); return err })
	}
	if err := fill("one", nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := fill("two", broken); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	text, err := os.ReadFile(name)
	left, _ := filepath.Glob(filepath.Dir(name) + "/*")
	hidden, _ := filepath.Glob(filepath.Dir(name) + "/.*")
	if string(text) != "one" || err != nil || len(left)+len(hidden) != 1 {
		t.Errorf("%q %v %v %v", text, err, left, hidden)
	}
}
