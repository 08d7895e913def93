// Package audit keeps the audit log: every change that somebody made, with who made it, by which
// credential, from where, and what the changed thing was before and after.
//
// Each entry's hash covers the entry and the hash of the entry before it. So an entry that is
// changed, removed or inserted later is found by [Log.Verify]. The hash of the newest entry is
// sealed with the server's secret key: without the key, nobody can compute the hashes again, or
// remove the newest entries, without being noticed. Somebody who has both the key and the database
// can, and so can somebody who restores an older copy of the log, or empties it together with its
// seal: then it is like that of a new server. To notice that, too, keep a hash that was the newest
// elsewhere, and pass it to [Log.Verify].
//
// An entry never contains a secret, a password or a token. Package operations ensures that.
package audit

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
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

// Head says which entry is the newest one.
type Head struct {
	Seq  int64 // 0: there are no entries
	Hash [sha256.Size]byte
	Seal [sha256.Size]byte // of the fields above, by the server's secret key
}

// Store stores entries. Implementations must be safe for concurrent use.
type Store interface {
	// AppendAudit adds the entry that fill returns, and replaces the head, in one transaction. fill
	// gets the newest entry and the head, zero if there is none. It may be called more than once.
	AppendAudit(ctx context.Context, fill func(newest Entry, head Head) (Entry, Head)) (Entry, error)
	// AuditEntries returns the entries that q selects, the newest first.
	AuditEntries(ctx context.Context, q Query) ([]Entry, error)
	// EachAudit calls fn for every entry, the oldest first, until fn fails. It returns the head of the
	// same moment.
	EachAudit(ctx context.Context, fn func(Entry) error) (Head, error)
	// SetAuditHead replaces the head by the one that fill returns for the newest entry.
	SetAuditHead(ctx context.Context, fill func(newest Entry) Head) error
}

// Log is the audit log in a store.
type Log struct {
	store Store
	key   []byte
	// verifying has a value while the log is verified. A verification reads the whole log over one of
	// the few connections of the database, and any viewer may start one.
	verifying chan struct{}
}

// NewLog returns the log in a store. secret is the server's secret key.
func NewLog(store Store, secret []byte) (*Log, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "stile: seal of the audit log, 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("make the key of the audit log: %w", err)
	}
	return &Log{store, key, make(chan struct{}, 1)}, nil
}

// Record adds an entry. Its Seq and Hash are set here.
//
// If the log was changed before, the entry must not repair the chain, or nobody would notice: the
// gap stays, and [Log.Verify] reports it.
func (l *Log) Record(ctx context.Context, e Entry) (Entry, error) {
	e.At = e.At.UTC().Truncate(time.Millisecond)
	added, err := l.store.AppendAudit(ctx, func(newest Entry, head Head) (Entry, Head) {
		switch {
		case l.isSealed(head): // its entries may be missing
			e.Seq = max(newest.Seq, head.Seq) + 1
			e.Hash = e.Sum(head.Hash)
		case newest.Seq > 0 || head != Head{}: // what the head was is unknown
			e.Seq = max(newest.Seq, head.Seq) + 2
			e.Hash = e.Sum(newest.Hash)
		default:
			e.Seq = 1
			e.Hash = e.Sum([sha256.Size]byte{})
		}
		return e, l.seal(e)
	})
	if err != nil {
		return Entry{}, fmt.Errorf("write the audit log: %w", err)
	}
	return added, nil
}

// seal returns the head of a log whose newest entry is e.
func (l *Log) seal(e Entry) Head {
	h := Head{Seq: e.Seq, Hash: e.Hash}
	mac := hmac.New(sha256.New, l.key)
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], uint64(h.Seq))
	mac.Write(seq[:])
	mac.Write(h.Hash[:])
	mac.Sum(h.Seal[:0])
	return h
}

func (l *Log) isSealed(h Head) bool {
	want := l.seal(Entry{Seq: h.Seq, Hash: h.Hash})
	return hmac.Equal(h.Seal[:], want.Seal[:])
}

// SealAgain seals the log as it is, after the server's secret key was replaced.
func (l *Log) SealAgain(ctx context.Context) error {
	err := l.store.SetAuditHead(ctx, func(newest Entry) Head { return l.seal(newest) })
	if err != nil {
		return fmt.Errorf("seal the audit log: %w", err)
	}
	return nil
}

// Entries returns the entries that q selects, the newest first.
func (l *Log) Entries(ctx context.Context, q Query) ([]Entry, error) {
	return l.store.AuditEntries(ctx, q)
}

// Verification is the result of [Log.Verify].
type Verification struct {
	Entries int64  // that were checked
	Head    string // hash of the newest, in hexadecimal; "" if there is none
	Wrong   int64  // Seq of the first entry that is changed, missing or inserted; 0: none
}

// Verify checks the chain of hashes and the seal of its end. If contains is not empty, it must be
// the hash of an entry, in hexadecimal, that was the newest one before; otherwise Wrong is 1,
// because all of the log may have been replaced. It waits for other verifications.
func (l *Log) Verify(ctx context.Context, contains string) (v Verification, err error) {
	select {
	case l.verifying <- struct{}{}:
	case <-ctx.Done():
		return v, ctx.Err()
	}
	defer func() { <-l.verifying }()
	var previous Entry
	found := contains == ""
	head, err := l.store.EachAudit(ctx, func(e Entry) error {
		if v.Wrong == 0 && (e.Seq != previous.Seq+1 || e.Hash != e.Sum(previous.Hash)) {
			v.Wrong = previous.Seq + 1
		}
		v.Entries++
		v.Head = hex.EncodeToString(e.Hash[:])
		found = found || v.Head == contains
		previous = e
		return nil
	})
	if err != nil || v.Wrong != 0 {
		return v, err
	}
	isNew := previous.Seq == 0 && head == Head{}
	switch {
	case !isNew && !l.isSealed(head), head.Seq > previous.Seq:
		v.Wrong = previous.Seq + 1
	case head.Seq < previous.Seq:
		v.Wrong = head.Seq + 1
	case head.Hash != previous.Hash:
		v.Wrong = head.Seq
	case !found:
		v.Wrong = 1
	}
	return v, nil
}
