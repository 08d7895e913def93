package bearer

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"stile.example/stile/slots"
	"stile.example/stile/tokens/signing"
)

// cacheKey returns the n-th of some keys of a shard.
func cacheKey(shard uint8, n int) (k slots.Key) {
	k[0] = shard
	binary.LittleEndian.PutUint64(k[8:], uint64(n)*0x9E3779B97F4A7C15)
	return k
}

// TestCachedClaims checks that a token has the same claims when it is verified and when it is
// cached, whatever is in it, and that only few kinds of tokens take more memory.
func TestCachedClaims(t *testing.T) {
	keys := testKeys(t)
	own, k := testVerifier(t, keys), keys.Set().Signing()
	o := newOutsider(t, idp, "EdDSA")
	o.Clients["ünï"] = "other"
	v := trusting(t, o)
	thumb := "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	for name, c := range map[string]struct {
		v     *Verifier
		token string
		isOdd bool
	}{
		"own":                   {own, forge(t, k, goodHeader(k).String(), goodClaims().String()), false},
		"own, all claims":       {own, forge(t, k, goodHeader(k).String(), goodClaims().with("scope", "a b").with("tenant", 7).with("calls", 9).String()), false},
		"own, bound":            {own, forge(t, k, goodHeader(k).String(), goodClaims().with("cnf", fields{"jkt": thumb}).String()), false},
		"external":              {v, o.sign(t, o.header(), o.claims()), false},
		"external, person":      {v, o.sign(t, o.header(), o.claims().with("sub", "ann").with("auth_time", noon.Unix())), false},
		"external, scope":       {v, o.sign(t, o.header(), o.claims().with("scope", "read write")), false},
		"external, long":        {v, o.sign(t, o.header(), o.claims().with("scope", strings.Repeat("read ", 200)+"write")), false},
		"external, unmapped":    {v, o.sign(t, o.header(), o.claims().with("azp", "new")), false},
		"external, no subject":  {v, o.sign(t, o.header(), o.claims().with("sub", nil)), false},
		"external, two clients": {v, o.sign(t, o.header(), o.claims().with("azp", "ünï")), false},
		"external, escaped":     {v, o.sign(t, o.header(), o.claims().with("sub", "<ann>")), true},
		"external, as by PHP":   {v, o.sign(t, o.header(), text(`{"iss":"`+idp+`","aud":"stile","azp":"app","jti":"a\/b","iat":`+fmt.Sprint(noon.Unix())+`,"exp":`+fmt.Sprint(noon.Add(time.Minute).Unix())+`}`)), true},
	} {
		first, err := c.v.Verify(c.token, noon)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		key := c.v.cache.key(c.token)
		if _, isOdd := c.v.cache.odd.valid.Get(key); isOdd != c.isOdd {
			t.Errorf("%s: takes more memory: %v", name, isOdd)
		}
		if _, _, ok := c.v.cache.get(key, c.token, c.v.external.list); !ok {
			t.Errorf("%s: not cached", name)
		}
		if again, err := c.v.Verify(c.token, noon); err != nil || again != first {
			t.Errorf("%s: cached as %+v, %v; want %+v", name, again, err, first)
		}
	}
}

// TestEntryIsComplete checks that there is no entry that would have other claims.
func TestEntryIsComplete(t *testing.T) {
	token, c := cachedExample(t, testKeys(t))
	c.Expires = time.Unix(1<<32-1, 0).UTC()
	if _, ok := entryOf(token, nil, keyVersion{0, 1}, c); !ok {
		t.Error("no entry with the last time")
	}
	c.Expires = c.Expires.Add(time.Second)
	if e, ok := entryOf(token, nil, keyVersion{0, 1}, c); ok {
		t.Errorf("a later time is %d", e.expires)
	}
}

// TestKeysAreSecret checks that each cache has a key of its own for a token.
func TestKeysAreSecret(t *testing.T) {
	var one, other tokenCache
	if one.key("token") == other.key("token") {
		t.Error("two caches have the same key")
	}
}

// TestMillionTokens checks that a million tokens can be cached at once, and what each takes. It
// fills two shards. Those of a million tokens have 6 standard deviations of their numbers left.
func TestMillionTokens(t *testing.T) {
	const million, most = 1_000_000, 100
	if mean := million / shards; mean+6*125 > maxTokens {
		t.Errorf("%d tokens a shard, and a million tokens need %d", maxTokens, mean)
	}
	token, c := cachedExample(t, testKeys(t))
	var m tokenCache
	m.init()
	for n := range 2 * maxTokens {
		m.put(cacheKey(uint8(n%2), n), token, nil, keyVersion{0, 1}, c, noon)
	}
	if each := (m.shards[0].valid.Bytes() + m.shards[1].valid.Bytes()) / (2 * maxTokens); each > most {
		t.Errorf("a token takes %d bytes, more than %d", each, most)
	}
	for n := range 2 * maxTokens {
		if _, _, ok := m.get(cacheKey(uint8(n%2), n), token, nil); !ok {
			t.Fatalf("token %d is not cached any more", n)
		}
	}
}

// TestExpiredTokensFreeMemory checks that the memory of expired tokens is freed, and that the
// others are still cached. Few expired ones are not worth it.
func TestExpiredTokensFreeMemory(t *testing.T) {
	keys := testKeys(t)
	v := testVerifier(t, keys)
	token, c := cachedExample(t, keys)
	m, by := &v.cache, keyVersion{0, 1}
	m.init()
	for n := range maxTokens {
		if c.Expires = noon.Add(time.Hour); n%8 == 0 {
			c.Expires = noon.Add(2 * time.Hour)
		}
		m.put(cacheKey(0, n), token, nil, by, c, noon)
	}
	full := m.shards[0].valid.Bytes()
	v.ForgetExpired(noon)
	if n := m.shards[0].valid.Len(); n != maxTokens {
		t.Errorf("%d tokens of %d, and none has expired", n, maxTokens)
	}
	v.ForgetExpired(noon.Add(time.Hour))
	if now := m.shards[0].valid.Bytes(); now > full/4 {
		t.Errorf("%d tokens take %d bytes, and %d took %d", m.size(), now, maxTokens, full)
	}
	for n := range maxTokens {
		if _, _, ok := m.get(cacheKey(0, n), token, nil); ok != (n%8 == 0) {
			t.Fatalf("token %d is cached: %v", n, ok)
		}
	}
	for n := range maxTokens { // the place of the next eviction is valid too
		m.put(cacheKey(0, maxTokens+n), token, nil, by, c, noon)
	}
	if m.size() != maxTokens {
		t.Errorf("%d tokens, and %d fit", m.size(), maxTokens)
	}
}

// cachedExample returns a valid token and what the cache has of it.
func cachedExample(t *testing.T, keys *signing.Keys) (string, Claims) {
	v, s := testVerifier(t, keys), testSigner(keys)
	token, err := s.Sign(Claims{Subject: "s", Client: "acme", Tenant: 3, Scope: "search", Expires: noon.Add(time.Hour)}, noon)
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(token, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token, c
}

// TestFullCache checks that a full shard takes new tokens in place of those that were not used, or
// have expired, and never has more.
func TestFullCache(t *testing.T) {
	token, c := cachedExample(t, testKeys(t))
	m, by := tokenCache{}, keyVersion{0, 1}
	m.init()
	has := func(n int) bool {
		_, _, ok := m.get(cacheKey(0, n), token, nil)
		return ok
	}
	for n := range maxTokens {
		m.put(cacheKey(0, n), token, nil, by, c, noon)
	}
	m.put(cacheKey(0, maxTokens), token, nil, by, c, noon) // clears the marks of all
	const inUse = 100
	for n := maxTokens + 1; n < 2*maxTokens; n++ {
		if n%1000 == 0 {
			for used := maxTokens / 2; used < maxTokens/2+inUse; used++ { // the hand comes here half-way
				if !has(used) {
					t.Fatalf("token %d, which is in use, is not cached after %d others", used, n)
				}
			}
		}
		m.put(cacheKey(0, n), token, nil, by, c, noon)
		if !has(n) || m.size() != maxTokens {
			t.Fatalf("%d tokens; the new one is cached: %v", m.size(), has(n))
		}
	}
	for n := 2 * maxTokens; n < 3*maxTokens; n++ { // all have expired, and all are marked
		m.put(cacheKey(0, n), token, nil, by, Claims{Expires: noon.Add(2 * time.Hour), IssuedAt: noon}, noon.Add(time.Hour))
	}
	for n := 2 * maxTokens; n < 3*maxTokens; n++ {
		if !has(n) {
			t.Fatalf("token %d took the place of token %d or another that had not expired", 3*maxTokens, n)
		}
	}
	if n := m.shards[0].valid.Slots(); n != maxTokens {
		t.Errorf("%d slots", n)
	}
}
