package operations

import (
	"context"
	"errors"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tokens/signing"
)

// KeyView is a signing key of the server.
type KeyView struct {
	KID           string     `json:"kid"`
	Alg           string     `json:"alg"`
	CreatedAt     time.Time  `json:"created_at"`
	Signs         bool       `json:"signs"`
	VerifiesUntil *time.Time `json:"verifies_until"` // null: no end
}

func viewKey(k signing.KeyInfo) KeyView {
	v := KeyView{KID: k.KID, Alg: k.Alg, CreatedAt: k.CreatedAt, Signs: k.Signs}
	if !k.VerifiesUntil.IsZero() {
		v.VerifiesUntil = &k.VerifiesUntil
	}
	return v
}

func listKeys(_ context.Context, d *datadir.Dir, _ None) ([]KeyView, error) {
	views := []KeyView{}
	for _, k := range d.Keys.List() {
		views = append(views, viewKey(k))
	}
	return views, nil
}

// KeyRotation describes a new signing key.
type KeyRotation struct {
	Alg string `json:"alg"` // EdDSA, ES256 or RS256
}

func (r KeyRotation) check() error {
	if slices.Contains(signing.Algorithms(), r.Alg) {
		return nil
	}
	return failure.New(failure.Invalid, "alg %q: must be one of %v", r.Alg, signing.Algorithms())
}

func rotateKey(ctx context.Context, d *datadir.Dir, r KeyRotation) (KeyView, error) {
	if err := r.check(); err != nil {
		return KeyView{}, err
	}
	k, err := d.RotateKey(ctx, r.Alg)
	if errors.Is(err, signing.ErrTooMany) {
		err = failure.Of(failure.Conflict, err)
	}
	return viewKey(k), err
}
