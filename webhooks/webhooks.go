// Package webhooks sends events to the URLs that operators have chosen, as Standard Webhooks says
// (https://www.standardwebhooks.com): signed, at least once, with retries for 24 h.
//
// An event is stored together with one delivery for each webhook that wants it, before anything is
// sent. So a kill at any point loses none. It may send one twice: receivers recognise that by its
// webhook-id. [Outbox] is the entry point. Deliveries of different webhooks never wait for each
// other.
//
// The operator who adds a webhook chooses where the server connects to. So only public addresses
// are reachable, over https, unless the setting webhooks.targets allows more.
package webhooks

import (
	"context"
	"errors"
	"slices"
	"time"

	"stile.example/stile/events"
)

// The limits.
const (
	MaxWebhooks = 100       // each may use two connections
	MaxURL      = 2048      // bytes
	maxWaiting  = 10_000    // deliveries of a webhook that wait; later events are not queued
	maxFinished = 10_000    // of a webhook that are kept in its log
	keepFor     = 30 * day  // how long finished deliveries are kept
	keepMarks   = 400 * day // how long it is known that an event was reported
	maxTries    = 20        // of a delivery that are kept; the schedule has 13
	day         = 24 * time.Hour
)

// Webhook is a URL that gets events.
type Webhook struct {
	ID           string
	URL          string
	Events       []events.Type // empty: all
	Tenant       string        // only events about this tenant; "": all events
	Enabled      bool
	Disabled     string   // why it is not enabled, for people
	Secrets      []Secret // the newest first
	CreatedAt    time.Time
	Failures     int       // failed tries in a row
	FailingSince time.Time // zero: the last try did not fail
	PausedUntil  time.Time // no try before; zero: none
	SucceededAt  time.Time // of the last delivery; zero: never
	Waiting      int       // deliveries that wait; only the store changes it
	Dropped      int64     // events that were not queued; only the store changes it
}

// Wants reports whether a webhook gets an event.
func (w *Webhook) Wants(e Message) bool {
	return w.Enabled && (w.Tenant == "" || w.Tenant == e.Tenant) && (len(w.Events) == 0 || slices.Contains(w.Events, e.Type))
}

// Message is an event as it is stored.
type Message struct {
	ID     string // the webhook-id
	Type   events.Type
	Tenant string
	Body   []byte
}

// State is the state of a delivery.
type State string

// The states.
const (
	Waiting   State = "waiting" // for its first or next try
	Delivered State = "delivered"
	Failed    State = "failed" // it is not tried again
)

// Delivery is an event for one webhook.
type Delivery struct {
	ID        int64 // 1, 2, 3, …; new ones have higher ids
	Webhook   string
	Message   Message
	State     State
	CreatedAt time.Time
	Next      time.Time // of the next try; zero unless it waits
	Attempts  int       // tries so far
	Tries     []Try     // the last ones, the oldest first
	ReplayOf  int64     // 0: it is not a replay
}

// Try is one request of a delivery.
type Try struct {
	At       time.Time     `json:"at"`
	Status   int           `json:"status"` // of the response; 0: there was none
	Duration time.Duration `json:"duration"`
	Excerpt  string        `json:"excerpt"` // the beginning of the response, made safe
	Error    string        `json:"error"`   // "": it succeeded
}

// Last returns the last try, zero if there was none.
func (d *Delivery) Last() Try {
	if len(d.Tries) == 0 {
		return Try{}
	}
	return d.Tries[len(d.Tries)-1]
}

// Query selects deliveries, the newest first. An empty field does not limit it.
type Query struct {
	ID      int64
	Webhook string
	State   State
	Type    events.Type
	// NotReplayed selects only deliveries that no other repeats, and no tests.
	NotReplayed bool
	Before      int64 // only lower ids; 0: from the newest
	Limit       int   // required
}

// The errors of a Store.
var (
	ErrNotFound = errors.New("it does not exist")
	ErrTooMany  = errors.New("there are too many webhooks")
)

// Limits are how much a store keeps.
type Limits struct {
	Waiting  int           // deliveries of a webhook that wait
	Finished int           // deliveries of a webhook, besides older ones that wait
	KeepFor  time.Duration // finished deliveries
	Marks    time.Duration // marks
	Expire   time.Duration // a delivery that still waits has failed after that
}

// Store stores webhooks, deliveries and marks. Implementations must be safe for concurrent use.
// Each change is one transaction.
type Store interface {
	// AddWebhook adds a webhook, or returns [ErrTooMany] if there are most already.
	AddWebhook(ctx context.Context, w Webhook, most int) error
	// UpdateWebhook changes a webhook by fn, unless fn fails. fn may be called more than once.
	UpdateWebhook(ctx context.Context, id string, fn func(*Webhook) error) (Webhook, error)
	// RemoveWebhook removes a webhook. Its deliveries are no longer returned, and removed by Sweep.
	RemoveWebhook(ctx context.Context, id string) error
	// Webhooks returns all webhooks, the oldest first.
	Webhooks(ctx context.Context) ([]Webhook, error)

	// PutEvent stores an event for each webhook that wants it, if its mark says that it happens,
	// and reports that. A webhook with waiting deliveries at the limit counts it as dropped
	// instead.
	PutEvent(ctx context.Context, m Message, mark events.Mark, now time.Time, waiting int) (happens bool, err error)
	// SetMark stores a mark with a note, without an event.
	SetMark(ctx context.Context, m events.Mark, note string, now time.Time) error
	// EachMark calls fn for each mark whose key begins with prefix.
	EachMark(ctx context.Context, prefix string, fn func(key string, value int64, note string)) error

	// AddDelivery stores a delivery with its event, which may exist, and returns its id.
	AddDelivery(ctx context.Context, d Delivery) (id int64, err error)
	// Due returns deliveries of a webhook whose next try is due, the longest due first, and when
	// the next one is due if that is later (zero: none).
	Due(ctx context.Context, webhook string, now time.Time, limit int) (due []Delivery, next time.Time, err error)
	// UpdateDelivery changes a delivery and its webhook by fn. fn may be called more than once.
	UpdateDelivery(ctx context.Context, id int64, fn func(*Delivery, *Webhook)) error
	// Deliveries returns the deliveries that q selects.
	Deliveries(ctx context.Context, q Query) ([]Delivery, error)
	// Sweep removes some of what is beyond the limits, and reports whether there may be more.
	Sweep(ctx context.Context, now time.Time, l Limits) (more bool, err error)
}
