package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/webhooks"
)

// This file has the previews of changes, and what the versions of a webhook are computed from.

// Shape is what an operator has chosen for a webhook, without its secrets.
type Shape struct {
	URL            string        `json:"url"` // without its query, which may contain a secret
	Events         []events.Type `json:"events"`
	Tenant         string        `json:"tenant"`
	Enabled        bool          `json:"enabled"`
	OldSecretUntil *time.Time    `json:"old_secret_until"`
}

func shapeOf(w webhooks.Webhook, now time.Time) Shape {
	v := view(w, now)
	return Shape{v.URL, v.Events, v.Tenant, w.Enabled, v.OldSecretUntil}
}

// State returns a webhook for the audit log, nil if it does not exist.
func State[I interface{ About() string }](ctx context.Context, d *datadir.Dir, in I) (any, error) {
	w, err := d.Webhooks.Find(ctx, in.About())
	if errors.Is(err, webhooks.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return shapeOf(w, d.Now()), nil
}

// Version returns what the version of a webhook is computed from: what was chosen for it. It is nil
// if the webhook does not exist. Without an id, it is about all webhooks.
func Version(ctx context.Context, d *datadir.Dir, n Name) (any, error) {
	list, err := d.Webhooks.List(ctx)
	if err != nil {
		return nil, err
	}
	type chosen struct {
		ID, URL, Tenant string
		Events          []events.Type
		Enabled         bool
		Secrets         []webhooks.Secret // encrypted
	}
	all := []chosen{}
	for _, w := range list {
		one := chosen{w.ID, w.URL, w.Tenant, w.Events, w.Enabled, w.Secrets}
		if w.ID == n.ID {
			return one, nil
		}
		all = append(all, one)
	}
	if n.ID != "" {
		return nil, nil
	}
	return all, nil
}

// WouldAdd is the preview of [Add].
func WouldAdd(ctx context.Context, d *datadir.Dir, a Addition) (any, error) {
	c, err := a.change(d)
	if err != nil {
		return nil, err
	}
	list, err := d.Webhooks.List(ctx)
	if err == nil && len(list) >= webhooks.MaxWebhooks {
		err = explain("", webhooks.ErrTooMany)
	}
	w := webhooks.Webhook{Enabled: true}
	if err == nil {
		err = d.Webhooks.Apply(c, &w)
	}
	return shapeOf(w, d.Now()), err
}

// WouldSet is the preview of [Set].
func WouldSet(ctx context.Context, d *datadir.Dir, c Change) (any, error) {
	change, err := c.change(d)
	if err != nil {
		return nil, err
	}
	w, err := d.Webhooks.Find(ctx, c.ID)
	if err == nil {
		err = d.Webhooks.Apply(change, &w)
	}
	return shapeOf(w, d.Now()), explain(c.ID, err)
}

// WouldRemove is the preview of [Remove].
func WouldRemove(ctx context.Context, d *datadir.Dir, n Name) (any, error) {
	_, err := d.Webhooks.Find(ctx, n.ID)
	return nil, explain(n.ID, err)
}

// WouldRotate is the preview of [RotateSecret].
func WouldRotate(ctx context.Context, d *datadir.Dir, r Rotation) (any, error) {
	overlap, err := r.overlap()
	if err != nil {
		return nil, err
	}
	w, err := d.Webhooks.Find(ctx, r.ID)
	after := shapeOf(w, d.Now())
	if after.OldSecretUntil = nil; overlap > 0 {
		until := d.Now().UTC().Truncate(time.Second).Add(overlap)
		after.OldSecretUntil = &until
	}
	return after, explain(r.ID, err)
}

// Unsent is an event that would be sent.
type Unsent struct {
	URL   string          `json:"url"`
	Event events.Type     `json:"event"`
	Body  json.RawMessage `json:"body"`
}

// WouldTest is the preview of [Test].
func WouldTest(ctx context.Context, d *datadir.Dir, n Name) (any, error) {
	w, m, err := d.Webhooks.TestMessage(ctx, n.ID)
	return Unsent{webhooks.Shown(w.URL), m.Type, m.Body}, explain(n.ID, err)
}

// Repeated is what a replay would send again.
type Repeated struct {
	Deliveries []int64 `json:"deliveries"` // that would be repeated
	More       bool    `json:"more"`       // there are more failed deliveries than one replay takes
}

// WouldSendAgain is the preview of [SendAgain].
func WouldSendAgain(ctx context.Context, d *datadir.Dir, r Replay) (any, error) {
	ids, more, err := r.deliveries(ctx, d)
	if err != nil || r.ID == 0 {
		return Repeated{ids, more}, err
	}
	found, err := d.Webhooks.Deliveries(ctx, webhooks.Query{ID: r.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, noDelivery(r.ID)
	}
	w, err := d.Webhooks.Find(ctx, found[0].Webhook)
	if err == nil && !w.Enabled {
		err = webhooks.ErrDisabled
	}
	return Repeated{ids, more}, explain(found[0].Webhook, err)
}

func noDelivery(id int64) error {
	return failure.New(failure.NotFound, "there is no delivery %d; `stile webhook deliveries` lists the deliveries", id)
}
