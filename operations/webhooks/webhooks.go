// Package webhooks has the operations about webhooks and their deliveries.
package webhooks

import (
	"context"
	"errors"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/lookup"
	"stile.example/stile/webhooks"
)

// None is the input of an operation that has no parameters.
type None struct{}

// Name names one webhook.
type Name struct {
	ID string `json:"id"`
}

// About returns what the input is about, for the audit log.
func (n Name) About() string { return n.ID }

// Addition describes a new webhook.
type Addition struct {
	URL    string        `json:"url"`
	Events []events.Type `json:"events,omitempty"` // empty: all
	Tenant string        `json:"tenant,omitempty"` // client_id; only events about this tenant
}

// Shown returns the URL as it may be shown, for the audit log.
func (a Addition) Shown() string { return webhooks.Shown(a.URL) }

// Change describes what to change of a webhook. A field that is not given stays as it is.
type Change struct {
	ID      string         `json:"id"`
	URL     *string        `json:"url,omitempty"`
	Events  *[]events.Type `json:"events,omitempty"`  // empty: all
	Tenant  *string        `json:"tenant,omitempty"`  // client_id; empty: events about all tenants
	Enabled *bool          `json:"enabled,omitempty"` // a disabled webhook gets no events
}

// About returns what the input is about, for the audit log.
func (c Change) About() string { return c.ID }

// Rotation describes a new secret.
type Rotation struct {
	ID string `json:"id"`
	// How long the old secret signs as well, in seconds.
	Overlap int64 `json:"overlap_seconds,omitempty"`
}

// About returns what the input is about, for the audit log.
func (r Rotation) About() string { return r.ID }

// View is a webhook without its secrets.
type View struct {
	ID     string        `json:"id"`
	URL    string        `json:"url"`    // without its query, which may contain a secret
	Events []events.Type `json:"events"` // empty: all
	Tenant string        `json:"tenant"` // client_id; empty: events about all tenants
	Status string        `json:"status"` // active, failing or disabled
	Reason string        `json:"reason"` // why it is disabled
	// Since when its tries fail; null: the last one did not.
	FailingSince *time.Time `json:"failing_since"`
	SucceededAt  *time.Time `json:"succeeded_at"` // of the last delivery
	Waiting      int        `json:"waiting"`      // deliveries that wait for a try
	Dropped      int64      `json:"dropped"`      // events that were not queued: too many waited
	// When the old secret of a rotation ends; null: there is one secret.
	OldSecretUntil *time.Time `json:"old_secret_until"`
	CreatedAt      time.Time  `json:"created_at"`
}

// Created is a webhook with its secret, which is shown only once.
type Created struct {
	View
	Secret string `json:"secret"`
}

func view(w webhooks.Webhook, now time.Time) View {
	v := View{ID: w.ID, URL: webhooks.Shown(w.URL), Events: w.Events, Tenant: w.Tenant, Status: "active", Reason: w.Disabled,
		FailingSince: orNil(w.FailingSince), SucceededAt: orNil(w.SucceededAt), Waiting: w.Waiting, Dropped: w.Dropped, CreatedAt: w.CreatedAt}
	switch {
	case !w.Enabled:
		v.Status = "disabled"
	case w.Failures > 0:
		v.Status = "failing"
	}
	if len(w.Secrets) > 1 && now.Before(w.Secrets[1].Until) {
		v.OldSecretUntil = &w.Secrets[1].Until
	}
	if v.Events == nil {
		v.Events = []events.Type{}
	}
	return v
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// explain adds to an error its kind, and what to do.
func explain(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, webhooks.ErrNotFound):
		return failure.New(failure.NotFound, "there is no webhook %.40s; `stile webhook list` lists the webhooks", id)
	case errors.Is(err, webhooks.ErrTooMany):
		return failure.New(failure.Conflict, "there are %d webhooks already, and there can't be more; remove one first", webhooks.MaxWebhooks)
	case errors.Is(err, webhooks.ErrDisabled):
		return failure.New(failure.Conflict, "the webhook %s is disabled; `stile webhook set %[1]s --enable` enables it", id)
	}
	return err
}

// Add adds a webhook and returns its secret.
func Add(ctx context.Context, d *datadir.Dir, a Addition) (Created, error) {
	c, err := a.change(d)
	if err != nil {
		return Created{}, err
	}
	w, secret, err := d.Webhooks.Add(ctx, c)
	if err != nil {
		return Created{}, explain("", err)
	}
	return Created{view(w, d.Now()), secret}, nil
}

// change returns the fields of the new webhook, once they are checked.
func (a Addition) change(d *datadir.Dir) (webhooks.Change, error) {
	return Change{URL: &a.URL, Events: &a.Events, Tenant: &a.Tenant}.change(d)
}

// change returns the fields to change, once they are checked.
func (c Change) change(d *datadir.Dir) (webhooks.Change, error) {
	change := webhooks.Change{URL: c.URL, Events: c.Events, Tenant: c.Tenant, Enabled: c.Enabled}
	if c.Tenant != nil {
		if err := checkTenant(d, *c.Tenant); err != nil {
			return change, err
		}
	}
	return change, failure.Of(failure.Invalid, d.Webhooks.Apply(change, &webhooks.Webhook{}))
}

func checkTenant(d *datadir.Dir, clientID string) error {
	if _, err := lookup.Number(d, clientID); err != nil {
		return failure.New(failure.Invalid, "%w", err)
	}
	return nil
}

// List lists the webhooks.
func List(ctx context.Context, d *datadir.Dir, _ None) ([]View, error) {
	list, err := d.Webhooks.List(ctx)
	all := make([]View, len(list))
	for i, w := range list {
		all[i] = view(w, d.Now())
	}
	return all, err
}

// Show shows one webhook.
func Show(ctx context.Context, d *datadir.Dir, n Name) (View, error) {
	w, err := d.Webhooks.Find(ctx, n.ID)
	if err != nil {
		return View{}, explain(n.ID, err)
	}
	return view(w, d.Now()), nil
}

// Set changes a webhook.
func Set(ctx context.Context, d *datadir.Dir, c Change) (View, error) {
	change, err := c.change(d)
	if err != nil {
		return View{}, err
	}
	w, err := d.Webhooks.Set(ctx, c.ID, change)
	if err != nil {
		return View{}, explain(c.ID, err)
	}
	return view(w, d.Now()), nil
}

// Removed names what was removed.
type Removed struct {
	Removed string `json:"removed"`
}

// Remove removes a webhook with its deliveries.
func Remove(ctx context.Context, d *datadir.Dir, n Name) (Removed, error) {
	return Removed{n.ID}, explain(n.ID, d.Webhooks.Remove(ctx, n.ID))
}

// maxOverlap is how long an old secret may sign.
const maxOverlap = 30 * 24 * time.Hour

func (r Rotation) overlap() (time.Duration, error) {
	if r.Overlap < 0 || r.Overlap > int64(maxOverlap/time.Second) {
		return 0, failure.New(failure.Invalid, "overlap: must be from 0 to 30 days")
	}
	return time.Duration(r.Overlap) * time.Second, nil
}

// RotateSecret gives a webhook a new secret and returns it.
func RotateSecret(ctx context.Context, d *datadir.Dir, r Rotation) (Created, error) {
	overlap, err := r.overlap()
	if err != nil {
		return Created{}, err
	}
	w, secret, err := d.Webhooks.RotateSecret(ctx, r.ID, overlap)
	if err != nil {
		return Created{}, explain(r.ID, err)
	}
	return Created{view(w, d.Now()), secret}, nil
}
