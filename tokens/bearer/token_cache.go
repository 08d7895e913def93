package bearer

import (
	"crypto/sha256"
	"sync"
	"time"

	"stile.example/stile/tokens"
)

// Bounds of the memory of good tokens: it keeps at most 2 × shards × plots of
// them, 131,072, and their texts in at most 2 × shards × shardText, 32 MB.
const (
	shards    = 16
	plots     = 1 << 12
	shardText = 1 << 20
)

// tokenCache remembers the tokens that were found good, by the SHA-256 of their
// whole text: a token with one bit changed is another. What is no good leaves
// nothing behind. The zero memory is empty.
//
// It is cut into shards, so that calls seldom wait for each other.
type tokenCache struct{ shards [shards]shard }

// shard forgets like this: when its fresh half is full, that becomes the old
// one, and what was the old one is dropped.
type shard struct {
	mu         sync.RWMutex
	fresh, old half
}

// half holds no pointers but its own two, however many tokens it has: they
// cost the garbage collector nothing.
type half struct {
	memos map[[sha256.Size]byte]cachedToken
	text  []byte // the strings of all memos, one after the other
}

// keyVersion says by whose keys a token was found good, and by which of their
// generations: 0 are our own, n is the n-th outside issuer.
type keyVersion struct{ source, generation uint32 }

// cachedToken is one token: its Claims without the Issuer, which its stamp names.
type cachedToken struct {
	id                          tokens.ID
	issued, expires             int64
	stamp                       keyVersion
	start                       uint32 // of its strings in half.text
	tenant                      uint32
	jti, subject, client, scope uint16 // their lengths: MaxLength fits
	confirmation                [sha256.Size]byte
}

func (m *tokenCache) shard(sum [sha256.Size]byte) *shard { return &m.shards[sum[0]%shards] }

// find is the token of that sum, if it was found good, and by which keys.
// Whether it has expired since, and whether those are still the keys, is for
// the caller to ask.
func (m *tokenCache) find(sum [sha256.Size]byte) (Claims, keyVersion, bool) {
	s := m.shard(sum)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, h := range []*half{&s.fresh, &s.old} {
		if e, ok := h.memos[sum]; ok {
			return h.claims(e), e.stamp, true
		}
	}
	return Claims{}, keyVersion{}, false
}

func (h *half) claims(e cachedToken) Claims {
	n := uint32(e.jti) + uint32(e.subject) + uint32(e.client) + uint32(e.scope)
	text := string(h.text[e.start : e.start+n])
	take := func(n uint16) (s string) { s, text = text[:n], text[n:]; return s }
	return Claims{ID: e.id, JTI: take(e.jti), Subject: take(e.subject), Client: take(e.client), Scope: take(e.scope), Tenant: e.tenant,
		IssuedAt: time.Unix(e.issued, 0).UTC(), Expires: time.Unix(e.expires, 0).UTC(), Confirmation: e.confirmation}
}

// keep remembers a good token.
func (m *tokenCache) keep(sum [sha256.Size]byte, by keyVersion, c Claims) {
	s := m.shard(sum)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh.memos == nil || len(s.fresh.memos) >= plots || len(s.fresh.text) >= shardText-MaxLength {
		s.fresh, s.old = half{memos: make(map[[sha256.Size]byte]cachedToken)}, s.fresh
	}
	h := &s.fresh
	if e, ok := h.memos[sum]; ok && e.stamp == by {
		return // another call was here first
	}
	h.memos[sum] = cachedToken{
		id: c.ID, issued: c.IssuedAt.Unix(), expires: c.Expires.Unix(),
		stamp: by, start: uint32(len(h.text)), tenant: c.Tenant,
		jti: uint16(len(c.JTI)), subject: uint16(len(c.Subject)), client: uint16(len(c.Client)), scope: uint16(len(c.Scope)),
		confirmation: c.Confirmation,
	}
	h.text = append(append(append(append(h.text, c.JTI...), c.Subject...), c.Client...), c.Scope...)
}
