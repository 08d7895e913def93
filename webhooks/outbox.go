package webhooks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"stile.example/stile/events"
)

// Outbox stores events and sends them. Its methods may be called concurrently. Without
// [Outbox.Run], as in a command, events are only stored: the next server sends them.
type Outbox struct {
	store   Store
	secrets *sealer
	client  *http.Client
	targets Targets
	now     func() time.Time
	log     *slog.Logger
	limits  Limits

	faultWait time.Duration // after an error of the store
	wake      chan struct{} // an event was stored, or a webhook changed

	mu   sync.Mutex
	busy map[string]int     // requests that run, by webhook
	held map[int64]struct{} // deliveries whose request runs
}

// Config is what an Outbox needs.
type Config struct {
	Store     Store
	ServerKey []byte // from which the key of the secrets is derived
	Targets   Targets
	Now       func() time.Time
	Log       *slog.Logger
}

// New returns an Outbox.
func New(c Config) (*Outbox, error) {
	s, err := newSealer(c.ServerKey)
	if err != nil {
		return nil, err
	}
	return &Outbox{
		store: c.Store, secrets: s, client: newClient(c.Targets), targets: c.Targets, now: c.Now, log: c.Log,
		limits:    Limits{Waiting: maxWaiting, Finished: maxFinished, KeepFor: keepFor, Marks: keepMarks, Expire: tryFor + time.Hour},
		faultWait: time.Second, wake: make(chan struct{}, 1), busy: map[string]int{}, held: map[int64]struct{}{},
	}, nil
}

// Emit stores an event for each webhook that wants it, and reports whether it happened: whether its
// mark allowed that. It returns once that is durable, and sends nothing itself.
func (o *Outbox) Emit(ctx context.Context, e events.Event) (happened bool, err error) {
	m, err := newMessage(e)
	if err != nil {
		return false, err
	}
	happened, err = o.store.PutEvent(ctx, m, e.Mark, o.now(), o.limits.Waiting)
	if err != nil {
		return false, fmt.Errorf("store the event %s: %w", e.Type, err)
	}
	o.notify()
	return happened, nil
}

func newMessage(e events.Event) (Message, error) {
	body, err := e.Body()
	return Message{ID: newID("evt_"), Type: e.Type, Tenant: e.Tenant, Body: body}, err
}

// newID returns an id that nobody can guess.
func newID(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

// Wake makes [Outbox.Run] look for what is due: another node may have stored it.
func (o *Outbox) Wake() { o.notify() }

func (o *Outbox) notify() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Begin stores that something has begun, with a note, until an event with a mark that
// [events.Ends].
func (o *Outbox) Begin(ctx context.Context, key, note string) error {
	return o.store.SetMark(ctx, events.Mark{Key: key, Value: 1, When: events.Ends}, note, o.now())
}

// EachMark calls fn for each mark whose key begins with prefix.
func (o *Outbox) EachMark(ctx context.Context, prefix string, fn func(key string, value int64, note string)) error {
	return o.store.EachMark(ctx, prefix, fn)
}

// Change is what to change of a webhook, or a new one. A nil field is left as it is.
type Change struct {
	URL     *string
	Events  *[]events.Type // empty: all
	Tenant  *string        // "": all
	Enabled *bool
}

// Apply makes a change to w, and does not store it. It returns an error unless a webhook may have
// the fields of the change.
func (o *Outbox) Apply(c Change, w *Webhook) error {
	if c.URL != nil {
		url, err := o.targets.check(*c.URL)
		if err != nil {
			return err
		}
		w.URL = url
	}
	if c.Events != nil {
		if err := checkEvents(*c.Events); err != nil {
			return err
		}
		w.Events = slices.Compact(slices.Sorted(slices.Values(*c.Events)))
	}
	if c.Tenant != nil {
		w.Tenant = *c.Tenant
	}
	if c.Enabled != nil {
		if w.Disabled = ""; !*c.Enabled {
			w.Disabled = "by an operator"
		} else if !w.Enabled {
			w.Failures, w.FailingSince, w.PausedUntil = 0, time.Time{}, time.Time{}
		}
		w.Enabled = *c.Enabled
	}
	return nil
}

func checkEvents(list []events.Type) error {
	for _, t := range list {
		if !events.IsKnown(t) {
			var names []string
			for _, k := range events.Kinds() {
				names = append(names, string(k.Type))
			}
			return fmt.Errorf("event %.40q: unknown; must be one of %s", string(t), strings.Join(names, ", "))
		}
	}
	return nil
}

// Add adds a webhook, and returns its secret.
func (o *Outbox) Add(ctx context.Context, c Change) (w Webhook, secret string, err error) {
	w = Webhook{ID: newID("whk_")[:16], Enabled: true, CreatedAt: o.now().UTC().Truncate(time.Millisecond)}
	if err := o.Apply(c, &w); err != nil {
		return Webhook{}, "", err
	}
	secret, stored := o.secrets.newSecret(w.ID)
	w.Secrets = []Secret{stored}
	if err := o.store.AddWebhook(ctx, w, MaxWebhooks); err != nil {
		return Webhook{}, "", err
	}
	return w, secret, nil
}

// Set changes a webhook.
func (o *Outbox) Set(ctx context.Context, id string, c Change) (Webhook, error) {
	w, err := o.store.UpdateWebhook(ctx, id, func(w *Webhook) error { return o.Apply(c, w) })
	o.notify()
	return w, err
}

// Remove removes a webhook with its deliveries.
func (o *Outbox) Remove(ctx context.Context, id string) error { return o.store.RemoveWebhook(ctx, id) }

// RotateSecret gives a webhook a new secret, and returns it. The old one signs as well, for the
// time of overlap.
func (o *Outbox) RotateSecret(ctx context.Context, id string, overlap time.Duration) (w Webhook, secret string, err error) {
	secret, stored := o.secrets.newSecret(id)
	now := o.now().UTC().Truncate(time.Second)
	w, err = o.store.UpdateWebhook(ctx, id, func(w *Webhook) error {
		next := []Secret{stored}
		if overlap > 0 && len(w.Secrets) > 0 {
			old := w.Secrets[0]
			old.Until = now.Add(overlap)
			next = append(next, old)
		}
		w.Secrets = next[:min(len(next), maxSecrets)]
		return nil
	})
	return w, secret, err
}

// List returns all webhooks, the oldest first.
func (o *Outbox) List(ctx context.Context) ([]Webhook, error) { return o.store.Webhooks(ctx) }

// Find returns a webhook, or [ErrNotFound].
func (o *Outbox) Find(ctx context.Context, id string) (Webhook, error) {
	all, err := o.store.Webhooks(ctx)
	if err != nil {
		return Webhook{}, err
	}
	if i := slices.IndexFunc(all, func(w Webhook) bool { return w.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Webhook{}, ErrNotFound
}

// Deliveries returns the deliveries that q selects, the newest first.
func (o *Outbox) Deliveries(ctx context.Context, q Query) ([]Delivery, error) {
	return o.store.Deliveries(ctx, q)
}

// Test sends a test event to a webhook now, even if it is disabled, and returns the delivery. It is
// sent once: it is not repeated if it fails.
func (o *Outbox) Test(ctx context.Context, id string) (Delivery, error) {
	w, m, err := o.TestMessage(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	now := o.now()
	r := o.send(ctx, &w, m)
	d := Delivery{Webhook: w.ID, Message: m, State: Delivered, CreatedAt: now, Attempts: 1, Tries: []Try{r.Try}}
	if r.Error != "" {
		d.State = Failed
	}
	d.ID, err = o.store.AddDelivery(ctx, d)
	return d, err
}

// TestMessage returns a webhook, and the test event that [Outbox.Test] would send to it.
func (o *Outbox) TestMessage(ctx context.Context, id string) (w Webhook, m Message, err error) {
	if w, err = o.Find(ctx, id); err != nil {
		return w, m, err
	}
	m, err = newMessage(events.Event{Type: events.WebhookTest, At: o.now(),
		Data: events.Test{Webhook: w.ID, Message: "This is a test event. It reports nothing."}})
	return w, m, err
}

// ErrDisabled means that a webhook is disabled.
var ErrDisabled = errors.New("the webhook is disabled")

// Replay sends the event of a delivery again, with the same webhook-id, as a new delivery.
func (o *Outbox) Replay(ctx context.Context, id int64) (Delivery, error) {
	found, err := o.store.Deliveries(ctx, Query{ID: id, Limit: 1})
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Delivery{}, err
	}
	w, err := o.Find(ctx, found[0].Webhook)
	if err != nil {
		return Delivery{}, err
	}
	if !w.Enabled {
		return Delivery{}, fmt.Errorf("webhook %s: %w; enable it first", w.ID, ErrDisabled)
	}
	now := o.now().UTC().Truncate(time.Millisecond)
	d := Delivery{Webhook: w.ID, Message: found[0].Message, State: Waiting, CreatedAt: now, Next: now, ReplayOf: id}
	if d.ID, err = o.store.AddDelivery(ctx, d); err != nil {
		return Delivery{}, err
	}
	o.notify()
	return d, nil
}
