package commands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stile.example/stile/content"
)

// TestStaleSocket: what a killed server leaves behind stops nobody.
func TestStaleSocket(t *testing.T) {
	h := newHome(t, "")
	h.must("tenant", "list")
	l, err := net.Listen("unix", socketFile(h.dir+"/data"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	h.must("tenant", "list")
	h.serve()
	h.must("tenant", "list")
	info, err := os.Stat(socketFile(h.dir + "/data"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v %v", info, err)
	}
}

// TestHeldData: a directory that somebody holds and does not answer for is
// named as that.
func TestHeldData(t *testing.T) {
	h := newHome(t, "")
	held, err := takeLock(h.dir + "/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err, code := h.run("tenant", "list"); code != failed || !strings.Contains(err, "held by another process that does not answer") {
		t.Errorf("exit %d: %s", code, err)
	}
	held.release()
	h.must("tenant", "list")
}

// TestSilentServer: one that accepts and says nothing is not waited for.
func TestSilentServer(t *testing.T) {
	h := newHome(t, "")
	h.must("tenant", "list")
	l, err := net.Listen("unix", socketFile(h.dir+"/data"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dial(ctx, h.dir+"/data"); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("dial: %v", err)
	}
}

// TestUnknownOperation: a command of another version is told so.
func TestUnknownOperation(t *testing.T) {
	h := newHome(t, "")
	h.serve()
	r, err := dial(t.Context(), h.dir+"/data")
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if _, err := r.do(t.Context(), "fly", input{params: []byte(`{}`)}); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("%v", err)
	}
	if _, err := r.do(t.Context(), "usage", input{params: []byte(`[1]`)}); err == nil || !strings.Contains(err.Error(), "read the parameters") {
		t.Errorf("%v", err)
	}
}

// TestPanicIsAnError: an operation that panics neither ends the server nor
// tells the client its inside.
func TestPanicIsAnError(t *testing.T) {
	h := newHome(t, "")
	h.serve()
	said := perform(t.Context(), h.server.app, func(context.Context, *app, input) (any, error) { panic("secret") }, input{})
	if said.Error == "" || strings.Contains(said.Error, "secret") {
		t.Errorf("%+v", said)
	}
}

// TestBrokenImport: an import whose command is killed on the way changes
// nothing, however far it was.
func TestBrokenImport(t *testing.T) {
	h := newHome(t, "")
	h.serve()
	for _, sent := range []string{"", `{"id":"x","collection":"","title":"X"}` + "\n", `{"id":"x","title":"X"}` + "\n" + `{"end":2}` + "\n", `{"id":"x","title":"X"}` + "\n" + `{"id":"y"}` + "\n" + `{"end":2}` + "\n"} {
		c, err := net.Dial("unix", socketFile(h.dir+"/data"))
		if err != nil {
			t.Fatal(err)
		}
		body := "{}\n" + sent
		fmt.Fprintf(c, "POST /content.import HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(body), body)
		if strings.Contains(sent, "end") {
			io.WriteString(c, "0\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := io.ReadAll(res.Body); !strings.Contains(string(text), `"error"`) {
				t.Errorf("%q: %s", sent, text)
			}
		}
		c.Close()
	}
	h.write("items.jsonl", threeItems)
	for end := time.Now().Add(10 * time.Second); ; { // the killed one may still hold the corpus
		if _, err, code := h.run("content", "import", filepath.Join(h.dir, "items.jsonl")); code == done {
			break
		} else if !strings.Contains(err, "another import is running") || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if out := h.must("content", "list"); strings.Contains(out, "x") && strings.Contains(out, "X") {
		t.Errorf("something of it is there: %s", out)
	}
}

// TestEarlyRefusal: a large import that the server refuses at its beginning
// ends with the server's reason, not with a broken pipe.
func TestEarlyRefusal(t *testing.T) {
	h := newHome(t, "")
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

// TestItemsArriveAsSent is a law of the stream.
func TestItemsArriveAsSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) content.Item {
			it := content.Item{ID: rapid.StringMatching(`[a-z0-9._-]{1,9}`).Draw(t, "id"), Title: "T" + rapid.String().Draw(t, "title"), Collection: "c"}
			content.Clean(&it)
			return it
		}), 0, 5).Draw(t, "items")
		r, w := io.Pipe()
		go func() {
			w.CloseWithError(sendItems(w, func(yield func(content.Item, error) bool) {
				for _, it := range items {
					if !yield(it, nil) {
						return
					}
				}
			}))
		}()
		n := 0
		for it, err := range receiveItems(r) {
			if err != nil || it.ID != items[n].ID || it.Title != items[n].Title {
				t.Fatalf("item %d: %+v, %v; sent %+v", n, it, err, items[n])
			}
			n++
		}
		if n != len(items) {
			t.Fatalf("%d of %d arrived", n, len(items))
		}
	})
}

// FuzzReceive: whatever comes in, items pass the check, and a stream without
// its end is an error.
func FuzzReceive(f *testing.F) {
	f.Add(threeItems + `{"end":3}` + "\n")
	f.Add(threeItems) // cut off
	f.Add(`{"end":0}`)
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, ended := 0, true
		for it, err := range receiveItems(strings.NewReader(text)) {
			if err != nil {
				ended = false
			} else if n++; content.Check(&it) != nil {
				t.Errorf("%+v", it)
			}
		}
		if ended && !strings.Contains(text, fmt.Sprintf(`{"end":%d}`, n)) {
			t.Error("a stream that was cut off is taken for whole")
		}
	})
}

// TestWriteFile: a file is there whole, or as it was.
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
