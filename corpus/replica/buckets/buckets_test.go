package buckets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
	for what, url := range map[string]string{
		"credentials": strings.Replace(url, b.Credentials, wrong, 1),
		"no file":     strings.Replace(url, b.Credentials, wrong+"-none", 1),
		"bucket":      strings.Replace(url, "s3://corpus", "s3://another", 1),
	} {
		err := open(t, url).Ready(t.Context())
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "s3://") {
			t.Errorf("%s: %v", what, err)
		}
		if what == "credentials" && err != nil && !strings.Contains(err.Error(), "check the credentials") {
			t.Errorf("%s: no advice: %v", what, err)
		}
	}
	b.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := open(t, url).Put(ctx, replica.Hash{}, []byte("x")); err == nil || !strings.Contains(err.Error(), "s3://corpus/x/ at ") {
		t.Errorf("without a server: %v", err)
	}
}

func TestParse(t *testing.T) {
	got, err := Parse("s3://b/p/q/?endpoint=http://localhost:9000&region=r&credentials=/f")
	if want := (Config{"b", "p/q/", "localhost:9000", true, "r", "/f"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := Parse("s3://b"); err != nil || got != (Config{Bucket: "b", Endpoint: amazon}) {
		t.Errorf("%+v, %v", got, err)
	}
	const secret = "hunter2"
	for _, wrong := range []string{
		"", "b", "http://b", "s3:///p", "s3://b#f", "s3://u:" + secret + "@b/p", "s3://b?x=" + secret, "s3://u:" + secret + "@b%zz", "s3://b?endpoint=b",
		"s3://b?endpoint=ftp://b", "s3://b?endpoint=http://u:" + secret + "@b", "s3://b?endpoint=http://b/path", "s3://b?region=%zz",
	} {
		if _, err := Parse(wrong); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
