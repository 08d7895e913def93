// Package auditing has the operations on the audit log.
package auditing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"stile.example/stile/audit"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/operations/paging"
)

// Query selects entries of the audit log, the newest first. An empty field does not limit it.
type Query struct {
	Actor     string    `json:"actor,omitempty"`
	Operation string    `json:"operation,omitempty"` // a whole name, or its first word
	Subject   string    `json:"subject,omitempty"`
	From      time.Time `json:"from,omitzero"`
	To        time.Time `json:"to,omitzero"`     // not included
	After     int64     `json:"after,omitempty"` // the entries after this one in the list
	Limit     int       `json:"limit,omitempty"` // 1 to 1,000; 0: 100
}

// Entry is what --json prints of an entry.
type Entry struct {
	Seq        int64           `json:"seq"`
	At         time.Time       `json:"at"`
	Actor      string          `json:"actor"`
	Role       string          `json:"role"`
	Credential string          `json:"credential"`
	Address    string          `json:"address,omitempty"`
	Operation  string          `json:"operation"`
	Subject    string          `json:"subject,omitempty"`
	Before     json.RawMessage `json:"before,omitempty"`
	After      json.RawMessage `json:"after,omitempty"`
	Hash       string          `json:"hash"`
}

// Page is a part of the audit log.
type Page struct {
	Entries []Entry `json:"entries"`
	Next    int64   `json:"next,omitempty"` // the After of the next page; 0: there is none
}

// List returns a part of the audit log.
func List(ctx context.Context, d *datadir.Dir, q Query) (page Page, err error) {
	limit, err := paging.Limit(q.Limit, 100)
	if err == nil && q.After < 0 {
		err = failure.New(failure.Invalid, "after %d: must be the next of an earlier page", q.After)
	}
	if err != nil {
		return page, err
	}
	list, err := d.Audit.Entries(ctx, audit.Query{Actor: q.Actor, Operation: q.Operation, Subject: q.Subject, From: q.From, To: q.To, Before: q.After, Limit: limit + 1})
	if err != nil {
		return page, err
	}
	list, last := paging.Cut(list, limit)
	if last != nil {
		page.Next = last.Seq
	}
	page.Entries = make([]Entry, len(list))
	for i, e := range list {
		page.Entries[i] = viewOf(e)
	}
	return page, nil
}

func viewOf(e audit.Entry) Entry {
	return Entry{Seq: e.Seq, At: e.At, Actor: e.Actor, Role: e.Role, Credential: e.Credential, Address: e.Address,
		Operation: e.Operation, Subject: e.Subject, Before: e.Before, After: e.After, Hash: hex.EncodeToString(e.Hash[:])}
}

// Check is the result of checking the audit log.
type Check struct {
	Entries int64  `json:"entries"`
	Head    string `json:"head"` // hash of the newest entry
	// Wrong is the seq of the first entry that was changed, removed or inserted; 0: none.
	Wrong int64 `json:"wrong,omitempty"`
}

// Head is a hash that was the newest of the audit log before.
type Head struct {
	Head string `json:"head,omitempty"` // "": none is known
}

// Verify checks that the audit log was not changed.
func Verify(ctx context.Context, d *datadir.Dir, h Head) (Check, error) {
	if raw, err := hex.DecodeString(h.Head); h.Head != "" && (err != nil || len(raw) != sha256.Size) {
		return Check{}, failure.New(failure.Invalid, "head %q: must be a hash that a check printed: %d hexadecimal digits", h.Head, 2*sha256.Size)
	}
	v, err := d.Audit.Verify(ctx, strings.ToLower(h.Head))
	return Check(v), err
}
