package ownview

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/links"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tenants"
)

// Link is what --json prints of a link.
type Link struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	CreatedBy string     `json:"created_by"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	LastUsed  *time.Time `json:"last_used"` // null: never
	Ended     bool       `json:"ended,omitempty"`
}

// NewLink is a new link, with its URL. The URL is shown once.
type NewLink struct {
	Link
	URL string `json:"url"`
}

// Path is where the tenant's own view is, below the public URL.
const Path = "/developers/"

// AddLink makes a link for a tenant's developers. A life of 0 is the default.
func AddLink(ctx context.Context, d *datadir.Dir, t *tenants.Tenant, name, by string, life time.Duration) (NewLink, error) {
	if life == 0 {
		life = links.DefaultLife
	}
	plain, l, err := d.Links.Add(ctx, t.Number, name, by, life, d.Now())
	switch {
	case errors.Is(err, links.ErrTooMany):
		return NewLink{}, failure.New(failure.Conflict, "%s has %d links, which is the maximum; remove one with `stile tenant link remove`", t.ClientID, links.MaxLinks)
	case errors.Is(err, links.ErrInput):
		return NewLink{}, failure.Of(failure.Invalid, err)
	case err != nil:
		return NewLink{}, err
	}
	return NewLink{viewLink(l, d.Now()), d.Signer.Issuer + Path + "#" + plain}, nil
}

// Links returns the links of a tenant, the oldest first.
func Links(ctx context.Context, d *datadir.Dir, t *tenants.Tenant) ([]Link, error) {
	list, err := d.Links.List(ctx, t.Number)
	views := make([]Link, len(list))
	for i, l := range list {
		views[i] = viewLink(l, d.Now())
	}
	return views, err
}

// RemoveLink removes a link of a tenant, by its id.
func RemoveLink(ctx context.Context, d *datadir.Dir, t *tenants.Tenant, id string) error {
	err := d.Links.Remove(ctx, t.Number, id)
	if errors.Is(err, links.ErrNotFound) {
		return failure.New(failure.NotFound, "%s has no link %.20q; `stile tenant link list %s` lists its links", t.ClientID, id, t.ClientID)
	}
	return err
}

func viewLink(l links.Link, now time.Time) Link {
	v := Link{ID: l.ID, Name: l.Name, CreatedBy: l.By, CreatedAt: l.CreatedAt, ExpiresAt: l.Expires, Ended: !now.Before(l.Expires)}
	if !l.LastUsed.IsZero() {
		v.LastUsed = &l.LastUsed
	}
	return v
}
