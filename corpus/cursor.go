package corpus

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"stile.example/stile/content"
)

// A cursor is the place of the last item of a page: what orders it, and its
// number. The next page begins with whatever comes after that place then, so
// that no change of the corpus shows an item twice or hides one that stays.
// Ranks may move when the corpus changes, and items with them.
//
// A cursor also names its question, and is good for no other. It is not
// signed: a made-up one leads to a place in a list that may be read anyway.
//
//	question 8 bytes | item 8 bytes | place or date 8 bytes | title
const cursorHead = 24

var cursorText = base64.RawURLEncoding.Strict()

func cursorAt(q content.Query, m match) string {
	b := make([]byte, cursorHead, cursorHead+len(m.title))
	copy(b, nameOf(q))
	binary.BigEndian.PutUint64(b[8:], uint64(m.item))
	key := uint64(m.date)
	if isRanked(q) {
		key = math.Float64bits(m.rank)
	}
	binary.BigEndian.PutUint64(b[16:], key)
	return cursorText.EncodeToString(append(b, m.title...))
}

// parseCursor is the place that a question goes on from, nil at its beginning.
func parseCursor(q content.Query) (*match, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := cursorText.DecodeString(q.Cursor)
	if err != nil || len(b) < cursorHead || len(b) > cursorHead+maxTitleKey {
		return nil, content.ErrQuery{Field: "cursor", Problem: "is none of this server's"}
	}
	if string(b[:8]) != nameOf(q) {
		return nil, content.ErrQuery{Field: "cursor", Problem: "belongs to another question"}
	}
	m := match{item: int64(binary.BigEndian.Uint64(b[8:])), title: string(b[cursorHead:])}
	key := binary.BigEndian.Uint64(b[16:])
	m.rank, m.date = math.Float64frombits(key), int64(key)
	if m.item < 0 || math.IsNaN(m.rank) && isRanked(q) || !utf8.ValidString(m.title) {
		return nil, content.ErrQuery{Field: "cursor", Problem: "is none of this server's"}
	}
	return &m, nil
}

func isRanked(q content.Query) bool { return q.Sort == content.ByRelevance && len(q.Words) > 0 }

// nameOf is 8 bytes that stand for what a question selects and how it orders.
func nameOf(q content.Query) string {
	sum := sha256.Sum256([]byte(identityOf(q)))
	return string(sum[:8])
}
