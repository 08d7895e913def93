package ownview

import (
	"context"
	"errors"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/links"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/settings"
	"stile.example/stile/tenants"
)

// Tenant names a tenant.
type Tenant struct {
	ClientID string `json:"client_id"`
}

// LinkRequest describes a new link to a tenant's own view.
type LinkRequest struct {
	ClientID string `json:"client_id"`
	Name     string `json:"name"`          // of those who get it
	For      string `json:"for,omitempty"` // such as 24h or 14d, at most 30d; "": 7d
}

// LinkName names a link.
type LinkName struct {
	ClientID string `json:"client_id"`
	ID       string `json:"id"`
}

// About returns what the audit log says that a change is about.
func (r LinkRequest) About() string { return r.ClientID }

// About returns what the audit log says that a change is about.
func (n LinkName) About() string { return n.ClientID }

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

// Removed names the link that was removed.
type Removed struct {
	Removed string `json:"removed"`
}

// Path is where a tenant's own view is, below the public URL.
const Path = "/developers/"

// AddLink makes a link for a tenant's developers.
func AddLink(ctx context.Context, d *datadir.Dir, r LinkRequest, by string) (NewLink, error) {
	t, err := lookup.Tenant(d, r.ClientID)
	if err != nil {
		return NewLink{}, err
	}
	life, err := r.life()
	if err != nil {
		return NewLink{}, err
	}
	plain, l, err := d.Links.Add(ctx, t.Number, r.Name, by, life, d.Now())
	switch {
	case errors.Is(err, links.ErrTooMany):
		return NewLink{}, errTooMany(t)
	case errors.Is(err, links.ErrInput):
		return NewLink{}, failure.Of(failure.Invalid, err)
	case err != nil:
		return NewLink{}, err
	}
	return NewLink{viewLink(l, d.Now()), d.Signer.Issuer + Path + "#" + plain}, nil
}

// life returns how long the link lasts.
func (r LinkRequest) life() (life time.Duration, err error) {
	if life = links.DefaultLife; r.For != "" {
		if life, err = settings.ParseDuration(r.For); err != nil {
			return 0, failure.New(failure.Invalid, "for %.20q: must be a duration, such as 24h or 7d", r.For)
		}
	}
	return life, failure.Of(failure.Invalid, links.Check(r.Name, life))
}

func errTooMany(t *tenants.Tenant) error {
	return failure.New(failure.Conflict, "%s has %d links, which is the maximum; remove one with `stile tenant link remove`", t.ClientID, links.MaxLinks)
}

// PlannedLink is a link that was not made.
type PlannedLink struct {
	Name      string    `json:"name"`
	ExpiresAt time.Time `json:"expires_at"`
}

// WouldAddLink is the preview of [AddLink].
func WouldAddLink(ctx context.Context, d *datadir.Dir, r LinkRequest) (any, error) {
	t, err := lookup.Tenant(d, r.ClientID)
	if err != nil {
		return nil, err
	}
	life, err := r.life()
	if err != nil {
		return nil, err
	}
	list, err := linksOf(ctx, d, t)
	list = slices.DeleteFunc(list, func(l Link) bool { return l.Ended })
	if err == nil && len(list) >= links.MaxLinks {
		err = errTooMany(t)
	}
	return PlannedLink{r.Name, d.Now().UTC().Truncate(time.Second).Add(life)}, err
}

// WouldRemoveLink is the preview of [RemoveLink].
func WouldRemoveLink(ctx context.Context, d *datadir.Dir, n LinkName) (any, error) {
	t, err := lookup.Tenant(d, n.ClientID)
	if err != nil {
		return nil, err
	}
	list, err := linksOf(ctx, d, t)
	if err == nil && !slices.ContainsFunc(list, func(l Link) bool { return l.ID == n.ID }) {
		err = noLink(t, n.ID)
	}
	return nil, err
}

// LinksVersion returns what the version of a tenant's links is computed from: which there are. It
// is nil if there is no such tenant.
func LinksVersion(ctx context.Context, d *datadir.Dir, n Tenant) (any, error) {
	t, ok := d.Tenants.Find(n.ClientID)
	if !ok {
		return nil, nil
	}
	list, err := linksOf(ctx, d, t)
	ids := make([]string, len(list))
	for i, l := range list {
		ids[i] = l.ID
	}
	return ids, err
}

// Links returns the links of a tenant, the oldest first.
func Links(ctx context.Context, d *datadir.Dir, n Tenant) ([]Link, error) {
	t, err := lookup.Tenant(d, n.ClientID)
	if err != nil {
		return nil, err
	}
	return linksOf(ctx, d, t)
}

func linksOf(ctx context.Context, d *datadir.Dir, t *tenants.Tenant) ([]Link, error) {
	list, err := d.Links.List(ctx, t.Number)
	views := make([]Link, len(list))
	for i, l := range list {
		views[i] = viewLink(l, d.Now())
	}
	return views, err
}

// LinksBefore returns the links of the tenant that a change is about, for the audit log. They don't
// contain what opens them.
func LinksBefore[I interface{ About() string }](ctx context.Context, d *datadir.Dir, in I) (any, error) {
	t, ok := d.Tenants.Find(in.About())
	if !ok {
		return nil, nil
	}
	return linksOf(ctx, d, t)
}

// RemoveLink removes a link of a tenant, by its id.
func RemoveLink(ctx context.Context, d *datadir.Dir, n LinkName) (Removed, error) {
	t, err := lookup.Tenant(d, n.ClientID)
	if err != nil {
		return Removed{}, err
	}
	err = d.Links.Remove(ctx, t.Number, n.ID)
	if errors.Is(err, links.ErrNotFound) {
		return Removed{}, noLink(t, n.ID)
	}
	return Removed{n.ID}, err
}

func noLink(t *tenants.Tenant, id string) error {
	return failure.New(failure.NotFound, "%s has no link %.20q; `stile tenant link list %s` lists its links", t.ClientID, id, t.ClientID)
}

func viewLink(l links.Link, now time.Time) Link {
	v := Link{ID: l.ID, Name: l.Name, CreatedBy: l.By, CreatedAt: l.CreatedAt, ExpiresAt: l.Expires, Ended: !now.Before(l.Expires)}
	if !l.LastUsed.IsZero() {
		v.LastUsed = &l.LastUsed
	}
	return v
}
