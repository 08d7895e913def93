package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tokens/issuers"
)

// IssuerView is an external issuer, and the keys that verify its tokens.
type IssuerView struct {
	Issuer    string     `json:"issuer"`
	KeysURL   string     `json:"keys_url"` // "" until it is discovered
	Keys      []string   `json:"keys"`     // their names (kid), "" for a key without one
	FetchedAt *time.Time `json:"fetched_at"`
	Error     string     `json:"error"` // why the last fetch failed; "": it did not
}

func viewIssuer(s issuers.Status) IssuerView {
	v := IssuerView{Issuer: s.Issuer, KeysURL: s.Address, Keys: append([]string{}, s.Keys...)}
	if !s.FetchedAt.IsZero() {
		at := s.FetchedAt.UTC()
		v.FetchedAt = &at
	}
	if s.Failed != nil {
		v.Error = s.Failed.Error()
	}
	return v
}

// Issuers returns the external issuers and their keys.
func Issuers(_ context.Context, d *datadir.Dir, _ None) ([]IssuerView, error) {
	views := []IssuerView{}
	for _, keys := range d.ExternalKeys {
		views = append(views, viewIssuer(keys.Status()))
	}
	return views, nil
}

// IssuerRefresh selects the issuers whose keys are to be fetched.
type IssuerRefresh struct {
	Issuer string `json:"issuer,omitempty"` // "": all
}

// Refresh fetches keys now. If a fetch fails, it still fetches the others.
func Refresh(ctx context.Context, d *datadir.Dir, r IssuerRefresh) ([]IssuerView, error) {
	selected, err := r.selected(d)
	if err != nil {
		return nil, err
	}
	views := []IssuerView{}
	var failed []error
	for _, keys := range selected {
		name := keys.Status().Issuer
		if err := keys.Refresh(ctx); err != nil {
			failed = append(failed, fmt.Errorf("issuer %s: can't fetch its keys, so those from before stay in use: %w", name, err))
			continue
		}
		if in := d.Introspection[name]; in != nil {
			in.Refresh(d.Now())
		}
		views = append(views, viewIssuer(keys.Status()))
	}
	return views, errors.Join(failed...)
}

// selected returns the keys to fetch.
func (r IssuerRefresh) selected(d *datadir.Dir) (selected []*issuers.KeyCache, err error) {
	var names []string
	for _, keys := range d.ExternalKeys {
		name := keys.Status().Issuer
		names = append(names, name)
		if r.Issuer == "" || r.Issuer == name {
			selected = append(selected, keys)
		}
	}
	switch {
	case len(names) == 0:
		return nil, failure.New(failure.NotFound, "there is no external issuer; see the setting issuers")
	case len(selected) == 0:
		return nil, failure.New(failure.NotFound, "issuer %q: unknown; must be exactly one of: %s", r.Issuer, strings.Join(names, ", "))
	}
	return selected, nil
}

// Fetches is what a refresh would fetch.
type Fetches struct {
	Issuers []string `json:"issuers"`
}

// WouldRefresh is the preview of [Refresh]. It connects to nothing.
func WouldRefresh(_ context.Context, d *datadir.Dir, r IssuerRefresh) (any, error) {
	selected, err := r.selected(d)
	f := Fetches{Issuers: []string{}}
	for _, keys := range selected {
		f.Issuers = append(f.Issuers, keys.Status().Issuer)
	}
	return f, err
}

// IssuersVersion returns what the version of the external issuers is computed from: their keys, and
// when these were fetched.
func IssuersVersion(ctx context.Context, d *datadir.Dir, _ None) (any, error) {
	return Issuers(ctx, d, None{})
}

// About returns which issuer is meant, for the audit log.
func (r IssuerRefresh) About() string { return r.Issuer }
