// Package audit keeps the audit log: every change that somebody made, with who made it, by which
// credential, from where, and what the changed thing was before and after.
//
// Each entry's hash covers the entry and the hash of the entry before it. So an entry that is
// changed, removed or inserted later is found by [Log.Verify], unless all later hashes are computed
// again. A copy of the last hash, kept elsewhere, shows that too.
//
// An entry never contains a secret, a password or a token. Package operations ensures that.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Entry is one change. Its texts may be empty where nothing applies.
type Entry struct {
	Seq        int64           // 1, 2, 3, … without gaps
	At         time.Time       // to the millisecond, UTC
	Actor      string          // the admin's name, or the user of the operating system
	Role       string          // that the actor had
	Credential string          // password, passkey, oidc, token …abcd, command line
	Address    string          // where the request came from; "" for a command
	Operation  string          // its name, such as tenant set
	Subject    string          // what was changed, such as acme
	Before     json.RawMessage // nil: nothing, or not known
	After      json.RawMessage
	Hash       [sha256.Size]byte
}

// Sum returns the hash of an entry that follows the one with the hash previous. Every text is
// hashed with its length, so that none can be moved into another.
func (e Entry) Sum(previous [sha256.Size]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	h.Write(previous[:])
	number := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	number(e.Seq)
	number(e.At.UnixMilli())
	for _, text := range []string{e.Actor, e.Role, e.Credential, e.Address, e.Operation, e.Subject, string(e.Before), string(e.After)} {
		number(int64(len(text)))
		h.Write([]byte(text))
	}
	h.Sum(sum[:0])
	return sum
}

// Query selects entries, the newest first. An empty field does not limit it.
type Query struct {
	Actor     string
	Operation string // a whole name, or its first word
	Subject   string
	From, To  time.Time // From is included, To is not
	Before    int64     // only entries with a lower Seq; 0: from the newest
	Limit     int       // required
}

// Store stores entries. Implementations must be safe for concurrent use.
type Store interface {
	// AppendAudit adds the entry that fill returns for the newest one (zero if there is none), in
	// one transaction. fill may be called more than once.
	AppendAudit(ctx context.Context, fill func(newest Entry) Entry) (Entry, error)
	// AuditEntries returns the entries that q selects, the newest first.
	AuditEntries(ctx context.Context, q Query) ([]Entry, error)
	// EachAudit calls fn for every entry, the oldest first, until fn fails.
	EachAudit(ctx context.Context, fn func(Entry) error) error
}

// Log is the audit log in a store.
type Log struct{ Store Store }

// Record adds an entry. Its Seq and Hash are set here.
func (l *Log) Record(ctx context.Context, e Entry) (Entry, error) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	added, err := l.Store.AppendAudit(ctx, func(newest Entry) Entry {
		e.Seq = newest.Seq + 1
		e.Hash = e.Sum(newest.Hash)
		return e
	})
	if err != nil {
		return Entry{}, fmt.Errorf("write the audit log: %w", err)
	}
	return added, nil
}

// Entries returns the entries that q selects, the newest first.
func (l *Log) Entries(ctx context.Context, q Query) ([]Entry, error) {
	return l.Store.AuditEntries(ctx, q)
}

// Verification is the result of [Log.Verify].
type Verification struct {
	Entries int64  // that were checked
	Head    string // hash of the newest, in hexadecimal; "" if there is none
	Wrong   int64  // Seq of the first entry that does not match; 0: all match
}

// Verify checks the chain of hashes.
func (l *Log) Verify(ctx context.Context) (v Verification, err error) {
	var previous Entry
	err = l.Store.EachAudit(ctx, func(e Entry) error {
		if v.Wrong == 0 && (e.Seq != previous.Seq+1 || e.Hash != e.Sum(previous.Hash)) {
			v.Wrong = previous.Seq + 1
		}
		v.Entries++
		previous = e
		return nil
	})
	if v.Entries > 0 {
		v.Head = hex.EncodeToString(previous.Hash[:])
	}
	return v, err
}
