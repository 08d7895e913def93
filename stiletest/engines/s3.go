package engines

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// Bucket is a server with the API of Amazon S3 that has one bucket. It checks signatures.
type Bucket struct {
	*Engine
	Name        string
	Credentials string // a file in the format of ~/.aws/credentials
}

// S3 starts Versity's S3 gateway, which stores objects as files.
func S3(t testing.TB) *Bucket {
	t.Helper()
	b, err := newBucket(t)
	if err == nil {
		err = b.launch()
	}
	if err != nil {
		t.Fatalf("engines: %v", err)
	}
	return b
}

func newBucket(t testing.TB) (*Bucket, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	bin, err := program("versitygw", filepath.Join(dir, ".engines-s3"))
	if err != nil {
		return nil, err
	}
	e, err := newEngine(t, "s3")
	if err != nil {
		return nil, err
	}
	b := &Bucket{Engine: e, Name: "corpus"}
	for _, d := range []string{filepath.Join("objects", b.Name), "attributes"} { // a directory is a bucket
		if err := os.MkdirAll(filepath.Join(e.dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	b.Credentials, err = e.write("credentials", "[default]\naws_access_key_id = stile\naws_secret_access_key = "+password+"\n")
	e.argv = func(e *Engine) []string {
		return []string{bin, "--quiet", "--access", "stile", "--secret", password, "--port", e.Addr,
			"posix", "--sidecar", filepath.Join(e.dir, "attributes"), filepath.Join(e.dir, "objects")}
	}
	e.ready = func(e *Engine) error {
		r, err := http.Get("http://" + e.Addr + "/" + b.Name)
		if err != nil {
			return err
		}
		r.Body.Close()
		if r.StatusCode != http.StatusForbidden { // the request is not signed
			return fmt.Errorf("HTTP status %d", r.StatusCode)
		}
		return nil
	}
	return b, err
}

// URL returns the bucket as the setting corpus_store names it, with a prefix.
func (b *Bucket) URL(prefix string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=http://%s&region=us-east-1&credentials=%s", b.Name, prefix, b.Addr, b.Credentials)
}
