package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/events"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/paging"
	"stile.example/stile/webhooks"
)

// Query selects deliveries, the newest first. An empty field does not limit it.
type Query struct {
	ID      int64          `json:"id,omitempty"` // one delivery
	Webhook string         `json:"webhook,omitempty"`
	State   webhooks.State `json:"state,omitempty"` // waiting, delivered or failed
	Event   events.Type    `json:"event,omitempty"`
	After   int64          `json:"after,omitempty"` // the next of the page before
	Limit   int            `json:"limit,omitempty"` // 1 to 1,000; 0: 50
}

// Delivery is an event that was or will be sent to a webhook.
type Delivery struct {
	ID        int64           `json:"id"`
	Webhook   string          `json:"webhook"`
	Event     string          `json:"event_id"` // the webhook-id
	Type      events.Type     `json:"event"`
	Tenant    string          `json:"tenant"` // client_id; empty: it is not about one
	State     webhooks.State  `json:"state"`  // waiting, delivered or failed
	CreatedAt time.Time       `json:"created_at"`
	NextTry   *time.Time      `json:"next_try"`
	Attempts  int             `json:"attempts"`
	Tries     []Try           `json:"tries"`               // the last ones, the newest first
	ReplayOf  int64           `json:"replay_of,omitempty"` // the delivery that it repeats
	Body      json.RawMessage `json:"body"`                // what is sent
}

// Try is one request of a delivery.
type Try struct {
	At       time.Time `json:"at"`
	Status   int       `json:"status"` // of the response; 0: there was none
	Millis   int64     `json:"duration_ms"`
	Response string    `json:"response"` // its beginning
	Error    string    `json:"error"`    // empty: it succeeded
}

// Page is a part of the deliveries.
type Page struct {
	Deliveries []Delivery `json:"deliveries"`
	Next       int64      `json:"next,omitempty"` // the After of the next page; 0: there is none
}

// Deliveries lists deliveries.
func Deliveries(ctx context.Context, d *datadir.Dir, q Query) (page Page, err error) {
	limit, err := paging.Limit(q.Limit, 50)
	switch {
	case err != nil:
		return page, err
	case q.State != "" && q.State != webhooks.Waiting && q.State != webhooks.Delivered && q.State != webhooks.Failed:
		return page, failure.New(failure.Invalid, "state %.40q: must be waiting, delivered or failed", string(q.State))
	case q.Event != "" && !isSent(q.Event):
		return page, failure.New(failure.Invalid, "event %.40q: unknown; `stile webhook add --help` lists the events", string(q.Event))
	case q.After < 0:
		return page, failure.New(failure.Invalid, "after %d: must be the next of an earlier page", q.After)
	case q.Webhook != "":
		if _, err := d.Webhooks.Find(ctx, q.Webhook); err != nil {
			return page, explain(q.Webhook, err)
		}
	}
	list, err := d.Webhooks.Deliveries(ctx, webhooks.Query{ID: q.ID, Webhook: q.Webhook, State: q.State, Type: q.Event, Before: q.After, Limit: limit + 1})
	if err != nil {
		return page, err
	}
	list, last := paging.Cut(list, limit)
	if last != nil {
		page.Next = last.ID
	}
	page.Deliveries = make([]Delivery, len(list))
	for i, one := range list {
		page.Deliveries[i] = deliveryView(one)
	}
	return page, nil
}

// isSent reports whether there may be deliveries of a type of events.
func isSent(t events.Type) bool { return t == events.WebhookTest || events.IsKnown(t) }

func deliveryView(d webhooks.Delivery) Delivery {
	v := Delivery{ID: d.ID, Webhook: d.Webhook, Event: d.Message.ID, Type: d.Message.Type, Tenant: d.Message.Tenant, State: d.State,
		CreatedAt: d.CreatedAt.UTC(), NextTry: orNil(d.Next), Attempts: d.Attempts, Tries: make([]Try, len(d.Tries)), ReplayOf: d.ReplayOf, Body: d.Message.Body}
	for i, t := range d.Tries {
		v.Tries[len(d.Tries)-1-i] = Try{t.At, t.Status, t.Duration.Milliseconds(), t.Excerpt, t.Error}
	}
	return v
}

// Test sends a test event to a webhook, and returns the delivery with the response.
func Test(ctx context.Context, d *datadir.Dir, n Name) (Delivery, error) {
	sent, err := d.Webhooks.Test(ctx, n.ID)
	if err != nil {
		return Delivery{}, explain(n.ID, err)
	}
	return deliveryView(sent), nil
}

// Replay says which events to send again: that of one delivery, or those of a webhook's failed
// deliveries that were not sent again yet.
type Replay struct {
	ID       int64  `json:"id,omitempty"`
	FailedOf string `json:"failed_of,omitempty"` // a webhook
}

// About returns what the input is about, for the audit log.
func (r Replay) About() string {
	if r.FailedOf != "" {
		return r.FailedOf
	}
	return "delivery " + strconv.FormatInt(r.ID, 10)
}

// Replayed is the deliveries that a replay has created.
type Replayed struct {
	Deliveries []int64 `json:"deliveries"`
	More       bool    `json:"more"` // there are more failed deliveries than one replay takes
}

const maxReplay = 500

// deliveries returns the deliveries to repeat, and whether there are more. It does not check that
// the delivery of an id exists.
func (r Replay) deliveries(ctx context.Context, d *datadir.Dir) (ids []int64, more bool, err error) {
	if (r.ID == 0) == (r.FailedOf == "") {
		return nil, false, failure.New(failure.Invalid, "either the id of a delivery or failed_of must be given")
	}
	if r.FailedOf == "" {
		return []int64{r.ID}, false, nil
	}
	w, err := d.Webhooks.Find(ctx, r.FailedOf)
	if err == nil && !w.Enabled {
		err = webhooks.ErrDisabled
	}
	if err != nil {
		return nil, false, explain(r.FailedOf, err)
	}
	failed, err := d.Webhooks.Deliveries(ctx, webhooks.Query{Webhook: r.FailedOf, State: webhooks.Failed, NotReplayed: true, Limit: maxReplay + 1})
	failed, last := paging.Cut(failed, maxReplay)
	ids = make([]int64, len(failed))
	for i, one := range failed {
		ids[i] = one.ID
	}
	return ids, last != nil, err
}

// SendAgain sends events again, with the same webhook-ids.
func SendAgain(ctx context.Context, d *datadir.Dir, r Replay) (Replayed, error) {
	ids, more, err := r.deliveries(ctx, d)
	done := Replayed{Deliveries: []int64{}, More: more}
	if err != nil {
		return done, err
	}
	for _, id := range ids {
		made, err := d.Webhooks.Replay(ctx, id)
		if errors.Is(err, webhooks.ErrNotFound) {
			return done, noDelivery(id)
		}
		if errors.Is(err, webhooks.ErrDisabled) {
			return done, failure.Of(failure.Conflict, err)
		}
		if err != nil {
			return done, err
		}
		done.Deliveries = append(done.Deliveries, made.ID)
	}
	return done, nil
}
