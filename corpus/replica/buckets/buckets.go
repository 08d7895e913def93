package buckets

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"stile.example/stile/corpus/replica"
	"stile.example/stile/outbound/authority"
)

const (
	retries   = 3                      // of a request, by the client
	maxPacked = replica.ChunkSize + 64 // bytes of an object
	maxStats  = 64                     // objects that are asked for one by one; more are listed
	atOnce    = 8                      // requests
)

// Chunks implements [replica.Chunks].
type Chunks struct {
	config Config
	client *minio.Client
}

// Open returns the chunks in a bucket. It sends no request.
func Open(c Config) (*Chunks, error) {
	transport, err := minio.DefaultTransport(!c.Insecure)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = 15 * time.Second
	if c.CA != "" {
		if transport.TLSClientConfig, err = authority.Config(c.CA); err != nil {
			return nil, fmt.Errorf("%s: parameter ca: %w", c, err)
		}
	}
	client, err := minio.New(c.Endpoint, &minio.Options{
		Creds: c.credentials(), Secure: !c.Insecure, Region: c.Region, Transport: transport, MaxRetries: retries,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return &Chunks{c, client}, nil
}

func (c Config) credentials() *credentials.Credentials {
	if c.Credentials != "" {
		return credentials.NewFileAWSCredentials(c.Credentials, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Timeout: 5 * time.Second}},
	})
}

// Ready returns an error unless the bucket exists and the credentials are accepted.
func (c *Chunks) Ready(ctx context.Context) error {
	exists, err := c.client.BucketExists(ctx, c.config.Bucket)
	if err == nil && !exists {
		err = minio.ErrorResponse{Code: minio.NoSuchBucket}
	}
	return c.explain(err)
}

// Probe returns an error unless chunks can be stored, read, listed and removed. It does all of that
// with one that no corpus has.
func (c *Chunks) Probe(ctx context.Context) error {
	if err := c.Ready(ctx); err != nil {
		return err
	}
	content := []byte("stile check " + rand.Text())
	h := replica.Hash(sha256.Sum256(content))
	if err := c.Put(ctx, h, replica.Pack(content)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	_, err := c.Get(ctx, h)
	if err == nil {
		_, _, err = c.Before(ctx, time.Time{}, nil, 1)
	}
	if err != nil {
		err = fmt.Errorf("read: %w", err)
	}
	if removing := c.Remove(ctx, []replica.Hash{h}); removing != nil {
		err = errors.Join(err, fmt.Errorf("remove: %w", removing))
	}
	return err
}

func (c *Chunks) folder() string { return c.config.Prefix + "chunks/" }

func (c *Chunks) name(h replica.Hash) string { return c.folder() + h.String() }

// hashOf returns the hash that an object is named by. ok is false for other objects.
func (c *Chunks) hashOf(name string) (h replica.Hash, ok bool) {
	digits, isOurs := strings.CutPrefix(name, c.folder())
	b, err := hex.DecodeString(digits)
	if !isOurs || err != nil || len(b) != len(h) {
		return h, false
	}
	return replica.Hash(b), true
}

// Put implements [replica.Chunks].
func (c *Chunks) Put(ctx context.Context, h replica.Hash, packed []byte) error {
	_, err := c.client.PutObject(ctx, c.config.Bucket, c.name(h), bytes.NewReader(packed), int64(len(packed)),
		minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true})
	return c.explain(err)
}

// Get implements [replica.Chunks].
func (c *Chunks) Get(ctx context.Context, h replica.Hash) ([]byte, error) {
	o, err := c.client.GetObject(ctx, c.config.Bucket, c.name(h), minio.GetObjectOptions{})
	if err != nil {
		return nil, c.explain(err)
	}
	defer o.Close()
	b, err := io.ReadAll(io.LimitReader(o, maxPacked+1))
	if err == nil && len(b) > maxPacked {
		err = fmt.Errorf("chunk %s %w", h, replica.ErrDamaged)
	}
	return b, c.explain(err)
}

// Missing implements [replica.Chunks].
func (c *Chunks) Missing(ctx context.Context, hashes []replica.Hash) ([]replica.Hash, error) {
	has, err := c.which(ctx, hashes)
	return slices.DeleteFunc(slices.Clone(hashes), func(h replica.Hash) bool { return has[h] }), err
}

// which returns those of the hashes that are stored. It may have others as well.
func (c *Chunks) which(ctx context.Context, hashes []replica.Hash) (map[replica.Hash]bool, error) {
	has := map[replica.Hash]bool{}
	if len(hashes) > maxStats {
		return has, c.each(ctx, nil, func(h replica.Hash, _ time.Time) bool { has[h] = true; return true })
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	turns := make(chan struct{}, atOnce)
	for _, h := range hashes {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			_, err := c.client.StatObject(ctx, c.config.Bucket, c.name(h), minio.StatObjectOptions{})
			err = c.explain(err)
			mu.Lock()
			defer mu.Unlock()
			has[h] = err == nil
			if err != nil && !errors.Is(err, replica.ErrNone) {
				failed = err
			}
		})
	}
	all.Wait()
	return has, failed
}

// each calls fn for each stored chunk after a hash, in order, until it returns false.
func (c *Chunks) each(ctx context.Context, after *replica.Hash, fn func(h replica.Hash, stored time.Time) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opt := minio.ListObjectsOptions{Prefix: c.folder(), Recursive: true}
	if after != nil {
		opt.StartAfter = c.name(*after)
	}
	for o := range c.client.ListObjectsIter(ctx, c.config.Bucket, opt) {
		if o.Err != nil {
			return c.explain(o.Err)
		}
		if h, ok := c.hashOf(o.Key); ok && !fn(h, o.LastModified) {
			break
		}
	}
	return nil
}

// Before implements [replica.Chunks].
func (c *Chunks) Before(ctx context.Context, stored time.Time, after *replica.Hash, limit int) (old []replica.Hash, next *replica.Hash, err error) {
	err = c.each(ctx, after, func(h replica.Hash, at time.Time) bool {
		if at.Before(stored) {
			old = append(old, h)
		}
		if len(old) == limit {
			next = &old[limit-1]
		}
		return len(old) < limit
	})
	return old, next, err
}

// Remove implements [replica.Chunks].
func (c *Chunks) Remove(ctx context.Context, hashes []replica.Hash) error {
	for _, h := range hashes {
		err := c.explain(c.client.RemoveObject(ctx, c.config.Bucket, c.name(h), minio.RemoveObjectOptions{}))
		if err != nil && !errors.Is(err, replica.ErrNone) {
			return err
		}
	}
	return nil
}
