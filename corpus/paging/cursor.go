// Package paging identifies queries, and encodes positions in their results as cursors.
package paging

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"stile.example/stile/content"
	"stile.example/stile/corpus/terms"
)

// A cursor is the position of the last item of a page: the number of the item, and what orders it.
// The next page begins with what comes after that position at the time of its query. So no change
// of the corpus shows an item twice, or hides an item that stays. Ranks, and so the order by
// relevance, may change when the corpus does.
//
// A cursor contains a digest of its query, and is invalid for any other. It is not signed: a forged
// cursor is a position in a list that its sender may read anyway.
//
//	query 8 bytes | item 8 bytes | rank or date 8 bytes | title
const cursorHead = 24

// Position is an item, and what it is ordered by.
type Position struct {
	Item  int64
	Rank  float64 // by relevance
	Date  int64   // by date: Unix microseconds
	Title string  // by title: folded
}

var cursorText = base64.RawURLEncoding.Strict()

// At returns the cursor of a position in the results of a query.
func At(q content.Query, m Position) string {
	b := make([]byte, cursorHead, cursorHead+len(m.Title))
	copy(b, digestOf(q))
	binary.BigEndian.PutUint64(b[8:], uint64(m.Item))
	key := uint64(m.Date)
	if IsRanked(q) {
		key = math.Float64bits(m.Rank)
	}
	binary.BigEndian.PutUint64(b[16:], key)
	return cursorText.EncodeToString(append(b, m.Title...))
}

// Parse returns the position after which a page begins, or nil for the first page.
func Parse(q content.Query) (*Position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := cursorText.DecodeString(q.Cursor)
	if err != nil || strings.ContainsAny(q.Cursor, "\r\n") || // which the decoder skips
		len(b) < cursorHead || len(b) > cursorHead+terms.MaxTitleKey {
		return nil, content.ErrQuery{Field: "cursor", Problem: "was not issued by this server: start again without it"}
	}
	if string(b[:8]) != digestOf(q) {
		return nil, content.ErrQuery{Field: "cursor", Problem: "belongs to another search: start again without it"}
	}
	m := Position{Item: int64(binary.BigEndian.Uint64(b[8:])), Title: string(b[cursorHead:])}
	key := binary.BigEndian.Uint64(b[16:])
	m.Rank, m.Date = math.Float64frombits(key), int64(key)
	if m.Item < 0 || math.IsNaN(m.Rank) && IsRanked(q) || !utf8.ValidString(m.Title) {
		return nil, content.ErrQuery{Field: "cursor", Problem: "was not issued by this server: start again without it"}
	}
	return &m, nil
}

// IsRanked reports whether a query orders by relevance: without words and signs, it orders by date.
func IsRanked(q content.Query) bool {
	return q.Sort == content.ByRelevance && len(q.Words)+len(q.Signs) > 0
}

// digestOf returns 8 bytes that identify what a query selects and how it orders.
func digestOf(q content.Query) string {
	sum := sha256.Sum256([]byte(Identity(q)))
	return string(sum[:8])
}
