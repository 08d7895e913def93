package buckets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"stile.example/stile/corpus/replica"
	"stile.example/stile/stiletest/engines"
)

func open(t *testing.T, url string) *Chunks {
	t.Helper()
	c, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return chunks
}

// TestChunks stores, lists and removes chunks in a real bucket, next to other objects.
func TestChunks(t *testing.T) {
	b := engines.S3(t)
	c, other := open(t, b.URL("a/b")), open(t, b.URL(""))
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	bodies := map[replica.Hash][]byte{}
	var hashes []replica.Hash
	for n := range 70 { // more than are asked for one by one
		body := bytes.Repeat([]byte{byte(n)}, 1000*n+1)
		h := replica.Hash(sha256.Sum256(body))
		bodies[h], hashes = body, append(hashes, h)
	}
	none := replica.Hash(sha256.Sum256([]byte("none")))
	for i, h := range hashes {
		if i == 1 { // also of few
			continue
		}
		if err := c.Put(t.Context(), h, bodies[h]); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Put(t.Context(), none, []byte("of another prefix")); err != nil {
		t.Fatal(err)
	}
	for _, ask := range [][]replica.Hash{hashes, hashes[:3]} {
		if missing, err := c.Missing(t.Context(), ask); err != nil || !slices.Equal(missing, hashes[1:2]) {
			t.Errorf("missing of %d: %v, %v", len(ask), missing, err)
		}
	}
	if got, err := c.Get(t.Context(), hashes[69]); err != nil || !bytes.Equal(got, bodies[hashes[69]]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := c.Get(t.Context(), hashes[1]); !errors.Is(err, replica.ErrNone) {
		t.Errorf("a chunk that does not exist: %v", err)
	}
	checkRemoval(t, c, hashes)
}

// checkRemoval lists all but the second of the hashes in pages, and removes them.
func checkRemoval(t *testing.T, c *Chunks, hashes []replica.Hash) {
	t.Helper()
	if old, _, err := c.Before(t.Context(), time.Now().Add(-time.Hour), nil, 10); err != nil || len(old) > 0 {
		t.Errorf("stored an hour ago: %v, %v", old, err)
	}
	var all []replica.Hash
	for after := (*replica.Hash)(nil); ; {
		old, next, err := c.Before(t.Context(), time.Now().Add(time.Hour), after, 30)
		if err != nil {
			t.Fatal(err)
		}
		if all, after = append(all, old...), next; next == nil {
			break
		}
	}
	if len(all) != 69 || slices.Contains(all, hashes[1]) {
		t.Errorf("listed %d", len(all))
	}
	for range 2 { // they may be gone already
		if err := c.Remove(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	if missing, err := c.Missing(t.Context(), hashes); err != nil || len(missing) != len(hashes) {
		t.Errorf("after the removal %d are missing, %v", len(missing), err)
	}
}

// TestProbe checks that a bucket that can't be written is found, and that a probe leaves nothing.
func TestProbe(t *testing.T) {
	b := engines.S3(t)
	c := open(t, b.URL("p"))
	if err := c.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if old, _, err := c.Before(t.Context(), time.Now().Add(time.Hour), nil, 10); err != nil || len(old) > 0 {
		t.Errorf("left: %v, %v", old, err)
	}
	c = open(t, b.URL("full"))
	// A file is where a folder must be.
	if err := os.WriteFile(filepath.Join(b.Dir(), "objects", b.Name, "full"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Probe(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "write: s3://corpus/full/ at ") {
		t.Errorf("a bucket that can't be written: %v", err)
	}
}

// TestRefused checks that wrong credentials, a missing bucket and a server that is gone are errors
// that name the bucket, and never the secret.
func TestRefused(t *testing.T) {
	b := engines.S3(t)
	wrong := b.Dir() + "/wrong"
	const secret = "not-the-secret"
	if err := os.WriteFile(wrong, []byte("[default]\naws_access_key_id = stile\naws_secret_access_key = "+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := b.URL("x")
	advice := map[string]string{"credentials": "check the credentials", "no file": "correct the path in ?credentials=", "bucket": "the bucket does not exist: create it", "region": "region"}
	for what, url := range map[string]string{
		"credentials": strings.Replace(url, b.Credentials, wrong, 1),
		"no file":     strings.Replace(url, b.Credentials, wrong+"-none", 1),
		"bucket":      strings.Replace(url, "s3://corpus", "s3://another", 1),
		"region":      strings.Replace(url, "region=us-east-1", "region=eu-1", 1),
	} {
		chunks := open(t, url)
		_, _, listing := chunks.Before(t.Context(), time.Now(), nil, 1)
		for _, err := range []error{chunks.Ready(t.Context()), chunks.Put(t.Context(), replica.Hash{}, []byte("x")), listing} {
			if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "s3://") {
				t.Errorf("%s: %v", what, err)
			}
			if advice[what] == "" || err != nil && !strings.Contains(err.Error(), advice[what]) {
				t.Errorf("%s: no advice: %v", what, err)
			}
		}
	}
	b.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := open(t, url).Put(ctx, replica.Hash{}, []byte("x")); err == nil || !strings.Contains(err.Error(), "s3://corpus/x/ at ") {
		t.Errorf("without a server: %v", err)
	}
}

// TestAdvice checks that each known error of the service has a cause and an advice, and keeps the
// service's own text.
func TestAdvice(t *testing.T) {
	c := &Chunks{config: Config{Bucket: "b", Endpoint: amazon}}
	for code, a := range adviceByCode {
		err := c.explain(minio.ErrorResponse{Code: code, Message: "as the service says"})
		if want := "s3://b/ at " + amazon + ": " + a.cause + ": " + a.fix + " (as the service says)"; a.cause == "" || a.fix == "" || err.Error() != want {
			t.Errorf("%s: %v", code, err)
		}
	}
	for code, want := range map[string]string{"RequestTimeTooSkewed": "clock", "SlowDown": "limits", "PermanentRedirect": "?region=", "NoSuchBucket": "create it"} {
		if err := c.explain(fmt.Errorf("list: %w", minio.ErrorResponse{Code: code})); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := c.explain(minio.ErrorResponse{Code: "Unknown", Message: "x"}); err.Error() != "s3://b/ at "+amazon+": x" {
		t.Error(err)
	}
}

// TestAuthority checks that a file of authorities is used, and that errors say what it must be.
func TestAuthority(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	ca := write("ca", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	keys := write("keys", []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"))
	url := "s3://corpus?region=r&endpoint=" + server.URL + "&credentials=" + keys
	if err := open(t, url+"&ca="+ca).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("trusted: %v", err)
	}
	if err := open(t, url).Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "?ca=FILE") {
		t.Errorf("not trusted: %v", err)
	}
	for file, want := range map[string]string{dir + "/none": "no such file", keys: "in PEM form"} {
		c, err := Parse(url + "&ca=" + file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "parameter ca: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", file, err, want)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("s3://b/p/q/?endpoint=http://localhost:9000&region=r&credentials=/f")
	if want := (Config{"b", "p/q/", "localhost:9000", true, "r", "/f", ""}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := Parse("s3://b"); err != nil || got != (Config{Bucket: "b", Endpoint: amazon}) {
		t.Errorf("%+v, %v", got, err)
	}
	const secret = "hunter2"
	for _, wrong := range []string{
		"", "b", "http://b", "s3:///p", "s3://b#f", "s3://u:" + secret + "@b/p", "s3://b?x=" + secret, "s3://u:" + secret + "@b%zz", "s3://b?endpoint=b",
		"s3://b?endpoint=ftp://b", "s3://b?endpoint=http://u:" + secret + "@b", "s3://b?endpoint=http://b/path", "s3://b?region=%zz", "s3://b?endpoint=http://b&ca=f",
	} {
		if _, err := Parse(wrong); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
