// Package keys has the operations on the signing keys, and on those of external issuers.
package keys

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tokens/signing"
)

// View is a signing key of the server.
type View struct {
	KID           string     `json:"kid"`
	Alg           string     `json:"alg"`
	CreatedAt     time.Time  `json:"created_at"`
	Signs         bool       `json:"signs"`
	VerifiesUntil *time.Time `json:"verifies_until"` // null: no end
}

func viewKey(k signing.KeyInfo) View {
	v := View{KID: k.KID, Alg: k.Alg, CreatedAt: k.CreatedAt, Signs: k.Signs}
	if !k.VerifiesUntil.IsZero() {
		v.VerifiesUntil = &k.VerifiesUntil
	}
	return v
}

// List returns the signing keys.
func List(_ context.Context, d *datadir.Dir, _ None) ([]View, error) {
	views := []View{}
	for _, k := range d.Keys.List() {
		views = append(views, viewKey(k))
	}
	return views, nil
}

// Rotation describes a new signing key.
type Rotation struct {
	Alg string `json:"alg,omitempty"` // EdDSA, ES256 or RS256; "": EdDSA
}

// Algorithm returns that of the new key.
func (r Rotation) Algorithm() string { return cmp.Or(r.Alg, "EdDSA") }

// Check returns an error if the algorithm is unknown.
func (r Rotation) Check() error {
	if slices.Contains(signing.Algorithms(), r.Algorithm()) {
		return nil
	}
	return failure.New(failure.Invalid, "alg %q: must be one of %v", r.Alg, signing.Algorithms())
}

// Rotate makes the server sign with a new key.
func Rotate(ctx context.Context, d *datadir.Dir, r Rotation) (View, error) {
	if err := r.Check(); err != nil {
		return View{}, err
	}
	k, err := d.RotateKey(ctx, r.Algorithm())
	if errors.Is(err, signing.ErrTooMany) {
		err = failure.Of(failure.Conflict, err)
	}
	return viewKey(k), err
}

// WouldRotate is the preview of [Rotate].
func WouldRotate(_ context.Context, d *datadir.Dir, r Rotation) (any, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	after := struct {
		Alg   string `json:"alg"`
		Signs bool   `json:"signs"`
	}{r.Algorithm(), true}
	return after, failure.Of(failure.Conflict, d.Keys.MayRotate(d.Now()))
}

// Reencrypted is how many values were encrypted again, and the fingerprint of the key with which
// all are encrypted now.
type Reencrypted struct {
	Values int    `json:"values"`
	Key    string `json:"key"`
}

// Reencrypt encrypts what is encrypted in the database again, with the first key of the setting
// store_key_file.
func Reencrypt(ctx context.Context, d *datadir.Dir, _ None) (Reencrypted, error) {
	n, key, err := d.Reencrypt(ctx)
	if errors.Is(err, datadir.ErrNotShared) {
		err = failure.Of(failure.Conflict, err)
	}
	return Reencrypted{n, key}, err
}

// WouldReencrypt is the preview of [Reencrypt].
func WouldReencrypt(_ context.Context, d *datadir.Dir, _ None) (any, error) {
	if d.Nodes == nil {
		return nil, failure.Of(failure.Conflict, datadir.ErrNotShared)
	}
	return nil, nil
}

// Version returns what the version of the signing keys is computed from: which there are.
func Version(_ context.Context, d *datadir.Dir, _ None) (any, error) {
	var names []string
	for _, k := range d.Keys.List() {
		names = append(names, k.KID)
	}
	return names, nil
}

// None is the input of an operation that has no parameters.
type None struct{}
