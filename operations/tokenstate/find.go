// Package tokenstate finds the token that a text names, and says what is stored about it.
package tokenstate

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/settings"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
)

// Named is a token that was given in full or by its name.
type Named struct {
	ID     tokens.ID
	Claims *bearer.Claims // nil if only the name is known
	Detail string         // why it is not valid any more, in words, if the claims say so
}

// errNoToken does not quote the text, which may be a damaged token.
var errNoToken = failure.New(failure.Invalid, "not a token or a jti: a token has three parts with a dot between them, and a jti of this server has 22 letters, digits, - and _; for a token of another issuer, give the jti or the ID that `stile explain` shows, once the token was used")

// Find returns the token that a text names: the token itself, or its jti.
func Find(ctx context.Context, d *datadir.Dir, text string) (Named, error) {
	if strings.Count(text, ".") == 2 {
		return findByText(d, text)
	}
	if isOwnJTI(text) {
		return Named{ID: tokens.NewID(d.Signer.Issuer, text)}, nil
	}
	if n, found, err := findExternal(ctx, d, text); found || err != nil {
		return n, err
	}
	if slices.ContainsFunc(d.Settings().Issuers, func(i settings.Issuer) bool { return i.Introspection.URL != "" }) {
		return findByText(d, text)
	}
	return Named{}, errNoToken
}

// isOwnJTI reports whether a text can be a jti of this server: 16 bytes, in base64url.
func isOwnJTI(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 16 && len(text) == 22
}

// findExternal finds a token of an external issuer that was used, by its jti or its ID.
func findExternal(ctx context.Context, d *datadir.Dir, text string) (n Named, found bool, err error) {
	var ids []tokens.ID
	for _, i := range d.Settings().Issuers {
		ids = append(ids, tokens.NewID(i.Issuer, text))
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == len(tokens.ID{}) {
		ids = append(ids, tokens.ID(b))
	}
	for _, id := range ids {
		s, err := d.Gate.Stored(ctx, id)
		if err != nil || s != (tokens.State{}) {
			return Named{ID: id}, err == nil, err
		}
	}
	return Named{}, false, nil
}

// findByText returns the token that its own text names.
func findByText(d *datadir.Dir, text string) (Named, error) {
	claims, err := d.Verifier.Verify(text, d.Now())
	switch {
	case errors.Is(err, bearer.ErrExpired):
		return findExpired(d, text, err)
	case errors.Is(err, bearer.ErrInvalid):
		return Named{}, failure.New(failure.Invalid, "the token is invalid: %s", bearer.Explain(err))
	case err != nil:
		return Named{}, err
	}
	n := Named{ID: claims.ID, Claims: &claims}
	if claims.Client == "" {
		n.Detail = claims.WhyUnmapped()
	}
	return n, nil
}

// findExpired returns the token that the text of an expired token names. It verifies the token as
// of its last second. why is the error of the token now.
func findExpired(d *datadir.Dir, text string, why error) (Named, error) {
	gone := failure.New(failure.Invalid, "the token is invalid: %s", bearer.Explain(why))
	parts := strings.Split(text, ".")
	if len(parts) != 3 { // opaque: its issuer can't be asked as of another time
		return Named{}, gone
	}
	var c struct {
		Expires int64 `json:"exp"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return Named{}, gone
	}
	claims, err := d.Verifier.Verify(text, time.Unix(c.Expires-1, 0))
	switch {
	case errors.Is(err, bearer.ErrInvalid):
		return Named{}, failure.New(failure.Invalid, "the token is invalid: %s", bearer.Explain(err))
	case err != nil:
		return Named{}, gone
	}
	return Named{claims.ID, &claims, bearer.Explain(why)}, nil
}
