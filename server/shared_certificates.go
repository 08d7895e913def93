package server

import (
	"context"

	"golang.org/x/crypto/acme/autocert"

	"stile.example/stile/datadir"
)

// sharedCertificates keeps the account and the certificates of an ACME authority where all nodes
// have them. It keeps the answers to its challenges too, so the authority may ask any node.
type sharedCertificates struct{ dir *datadir.Dir }

var _ autocert.Cache = sharedCertificates{}

// Get implements [autocert.Cache].
func (c sharedCertificates) Get(ctx context.Context, name string) ([]byte, error) {
	data, err := c.dir.SealedValue(ctx, datadir.CertificatePrefix+name)
	if err == nil && data == nil {
		err = autocert.ErrCacheMiss
	}
	return data, err
}

// Put implements [autocert.Cache].
func (c sharedCertificates) Put(ctx context.Context, name string, data []byte) error {
	return c.dir.PutSealed(ctx, datadir.CertificatePrefix+name, data)
}

// Delete implements [autocert.Cache].
func (c sharedCertificates) Delete(ctx context.Context, name string) error {
	return c.dir.RemoveSealed(ctx, datadir.CertificatePrefix+name)
}
