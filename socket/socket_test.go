package socket

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// serve serves a new data directory at its socket.
func serve(t *testing.T) *datadir.Dir {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := datadir.Open(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	srv := Server(d)
	go srv.Serve(l)
	t.Cleanup(func() {
		srv.Close()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// find returns an operation that exists.
func find(t *testing.T, name string) operations.Operation {
	t.Helper()
	op, ok := operations.Find(name)
	if !ok {
		t.Fatalf("no operation %q", name)
	}
	return op
}

// TestSilentServer checks that a command does not wait for a server that accepts and sends nothing.
func TestSilentServer(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", File(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	if _, err := Dial(ctx, dir); err == nil || !strings.Contains(err.Error(), "does not respond") {
		t.Errorf("dial: %v", err)
	}
}

// TestUnknownOperation checks that a command of another version gets an error that says so, also
// one that expects a stream.
func TestUnknownOperation(t *testing.T) {
	d := serve(t)
	c, err := Dial(t.Context(), d.Settings().Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, stream := range []operations.Stream{operations.NoStream, operations.BytesOut} {
		var out strings.Builder
		op := operations.Operation{Name: "fly", Stream: stream}
		_, err := c.Do(t.Context(), op, operations.Call{Input: []byte(`{}`), Out: &out})
		if err == nil || !strings.Contains(err.Error(), `does not know the operation "fly"; use the same version`) || out.Len() > 0 {
			t.Errorf("stream %q: %v, %q", stream, err, &out)
		}
	}
	for _, in := range []string{`[1]`, `{"client":"acme"}`, `{}{}`} {
		_, err := c.Do(t.Context(), find(t, "usage"), operations.Call{Input: []byte(in)})
		if err == nil || !strings.Contains(err.Error(), "read the input: ") {
			t.Errorf("input %s: %v", in, err)
		}
	}
}

// TestOldProtocol checks that a command of the version before gets an error that says so.
func TestOldProtocol(t *testing.T) {
	d := serve(t)
	c, err := Dial(t.Context(), d.Settings().Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"/tenant.list", "/usage", "/backup"} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://stile"+path, strings.NewReader("{}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if path == "/backup" {
			req.Header.Set("Stile-Streams", "1")
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if path == "/backup" {
			text = []byte(res.Trailer.Get("Stile-Answer"))
		}
		var r reply
		if err != nil || json.Unmarshal(text, &r) != nil || !strings.Contains(r.Error, `"`+path[1:]+`"; use the same version`) {
			t.Errorf("%s: %v %s", path, err, text)
		}
		res.Body.Close()
	}
}

// TestStream checks that bytes and result of a stream arrive.
func TestStream(t *testing.T) {
	d := serve(t)
	c, err := Dial(t.Context(), d.Settings().Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out strings.Builder
	result, err := c.Do(t.Context(), find(t, "backup"), operations.Call{Input: []byte(`{}`), Out: &out})
	var w operations.Written
	if err != nil || json.Unmarshal(result, &w) != nil || w.Bytes == 0 || int64(out.Len()) < w.Bytes {
		t.Errorf("%v, %s, %d bytes", err, result, out.Len())
	}
}

// TestPanicIsAnError checks that an operation that panics doesn't end the server, and that the
// command doesn't learn the cause.
func TestPanicIsAnError(t *testing.T) {
	d := serve(t)
	bad := func(context.Context, *datadir.Dir, operations.Call) (any, error) { panic("secret") }
	if r := perform(t.Context(), d, bad, operations.Call{}); r.Error == "" || strings.Contains(r.Error, "secret") {
		t.Errorf("%+v", r)
	}
}
