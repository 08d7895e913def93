package signin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/audit"
	"stile.example/stile/recent"
)

// events writes sign-ins to the audit log. Sign-ins that fail are merged and limited: an attacker
// must not fill the log.
type events struct {
	log *audit.Log
	now func() time.Time

	mu       sync.Mutex
	failures recent.Map[[sha256.Size]byte, failures]
	hour     time.Time // start of the hour in which written are counted
	written  int
	left     int // failures that were not written because of the limit
}

// failures counts the sign-ins of a name from an address that failed.
type failures struct {
	since time.Time
	count int
}

const (
	mergeFor      = time.Hour
	maxFailures   = 60 // entries an hour
	maxFailedKeys = 10_000
)

func newEvents(log *audit.Log, now func() time.Time) *events {
	return &events{log: log, now: now, failures: recent.New[[sha256.Size]byte, failures](maxFailedKeys)}
}

func (e *events) signedIn(ctx context.Context, a admins.Admin, credential, address string) error {
	return e.record(ctx, audit.Entry{Actor: a.Name, Role: string(a.Role), Credential: credential, Address: address, Operation: "sign in"})
}

func (e *events) signedOut(ctx context.Context, a admins.Admin, credential, address string) error {
	return e.record(ctx, audit.Entry{Actor: a.Name, Role: string(a.Role), Credential: credential, Address: address, Operation: "sign out"})
}

// changed records a change that an admin made to their own account and that is not an operation.
func (e *events) changed(ctx context.Context, a admins.Admin, credential, address, what string, after any) error {
	raw, err := json.Marshal(after)
	if err != nil {
		return err
	}
	return e.record(ctx, audit.Entry{Actor: a.Name, Role: string(a.Role), Credential: credential, Address: address, Operation: what, Subject: a.Name, After: raw})
}

func (e *events) record(ctx context.Context, entry audit.Entry) error {
	entry.At = e.now()
	_, err := e.log.Record(context.WithoutCancel(ctx), entry)
	return err
}

// unknownName is in the log instead of a name that no account has. Somebody may have typed a
// password there.
const unknownName = "unknown name"

// failed records a sign-in that failed: the first of what was typed as a name from an address
// within an hour, then the 10th, 100th and so on. typed distinguishes names that no account has
// too: if they were merged, only a name that exists would cause a write, which takes measurably
// longer.
func (e *events) failed(ctx context.Context, name, typed, credential, address string) error {
	count, left, write := e.count(key("failed", strings.ToLower(typed), address))
	if !write {
		return nil
	}
	after, err := json.Marshal(struct {
		Count int `json:"count"` // of this name and address within the hour
		Left  int `json:"left_out,omitempty"`
	}{count, left})
	if err != nil {
		return err
	}
	return e.record(ctx, audit.Entry{Actor: name, Credential: credential, Address: address, Operation: "sign in failed", Subject: name, After: after})
}

// count counts a failure, and reports whether it is to be written, with how many others were not.
func (e *events) count(key [sha256.Size]byte) (count, left int, write bool) {
	now := e.now()
	e.mu.Lock()
	defer e.mu.Unlock()
	f, known := e.failures.Use(key)
	if age := now.Sub(f.since); !known || age >= mergeFor || age < 0 {
		f = failures{since: now}
	}
	f.count++
	e.failures.Put(key, f)
	if age := now.Sub(e.hour); age >= time.Hour || age < 0 {
		e.hour, e.written = now, 0
	}
	if !isPowerOfTen(f.count) {
		return 0, 0, false
	}
	if e.written >= maxFailures {
		e.left++
		return 0, 0, false
	}
	e.written++
	left, e.left = e.left, 0
	return f.count, left, true
}

func isPowerOfTen(n int) bool {
	for n%10 == 0 {
		n /= 10
	}
	return n == 1
}
