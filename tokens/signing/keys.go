package signing

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/tokens/jwk"
)

// Keys are the server's own keys: those that sign and verify its tokens, and the one that hashes
// its tenants' secrets. They are in one file that only the server may read, or in a database that
// several nodes share. All methods are safe for concurrent use.
//
// Only one process may have the file open. The code that starts the server ensures that.
type Keys struct {
	file string     // "": the keys are shared, and only Use changes them
	mu   sync.Mutex // guards changes
	set  atomic.Pointer[Set]
	new  bool // OpenKeys generated them
}

// New reports whether the keys were generated when they were opened. Then no token that they signed
// has been seen before.
func (k *Keys) New() bool { return k.new }

// Set is the keys at one time. It never changes; a rotation makes another.
type Set struct {
	Generation uint32 // counts the changes since the start

	secret []byte
	keys   []*Key // the first one signs
}

// KeyInfo is what may be shown of a key.
type KeyInfo struct {
	KID           string    `json:"kid"`
	Alg           string    `json:"alg"`
	CreatedAt     time.Time `json:"created_at"`
	Signs         bool      `json:"signs"`
	VerifiesUntil time.Time `json:"verifies_until,omitzero"` // zero: no end
}

const (
	secretKeySize = 32
	// maxKeys bounds the set. Otherwise an operator who rotates in a loop would make every verifier
	// carry the result.
	maxKeys = 16
	// rotationSlack is how much longer than its tokens an old key is valid, because some tokens are
	// being signed while the key changes.
	rotationSlack = time.Minute
)

// OpenKeys reads the keys in file. If the file does not exist, at the first start, it generates an
// Ed25519 key and a key for secrets. A file that can't be parsed is an error and is not changed:
// new keys would make every token and every secret invalid. If others could read the file, its mode
// is changed to 0600. Keys that no longer verify any token are dropped.
func OpenKeys(file string, now time.Time) (*Keys, error) {
	if err := restrict(file); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	set, err := readKeys(file)
	first := errors.Is(err, fs.ErrNotExist)
	switch {
	case first:
		set, err = firstKeys(now)
	case err == nil && len(set.alive(now)) == len(set.keys):
		return newKeys(file, set), nil
	case err == nil:
		set = &Set{secret: set.secret, keys: set.alive(now)}
	}
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	if err := writeKeys(file, set); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	k := newKeys(file, set)
	k.new = first
	return k, nil
}

// ReadKeys reads the keys of a file that verify tokens at now. Unlike [OpenKeys] it changes neither
// the file nor its mode. If the file does not exist, there are no keys.
func ReadKeys(file string, now time.Time) (*Keys, error) {
	set, err := readKeys(file)
	if errors.Is(err, fs.ErrNotExist) {
		return newKeys(file, &Set{}), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return newKeys(file, &Set{secret: set.secret, keys: set.alive(now)}), nil
}

func newKeys(file string, set *Set) *Keys {
	k := &Keys{file: file}
	k.set.Store(set)
	return k
}

func firstKeys(now time.Time) (*Set, error) {
	signs, err := newKey(EdDSA, now)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, secretKeySize)
	rand.Read(secret) // can't fail: crypto/rand ends the program instead
	return &Set{secret: secret, keys: []*Key{signs}}, nil
}

// ErrTooMany means that no key can be added until the last token of an older one has expired.
var ErrTooMany = fmt.Errorf("%d old keys still verify live tokens", maxKeys-1)

// Rotate generates a key of algorithm alg, which signs from now on. The previous one continues to
// verify until its last token has expired: lifetime is the maximum lifetime of its tokens. If
// Rotate returns an error, nothing has changed.
func (k *Keys) Rotate(now time.Time, alg string, lifetime time.Duration) (KeyInfo, error) {
	fresh, err := newKey(alg, now)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	if k.file == "" {
		return KeyInfo{}, errors.New("rotate keys: the keys are shared by several nodes")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.set.Load()
	next := old.rotated(fresh, now, now.Add(lifetime+rotationSlack))
	if err := old.mayRotate(now); err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	if err := writeKeys(k.file, next); err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	k.set.Store(next)
	return next.info(0), nil
}

// MayRotate returns [ErrTooMany], with how long to wait, if [Keys.Rotate] would.
func (k *Keys) MayRotate(now time.Time) error { return k.set.Load().mayRotate(now) }

func (s *Set) mayRotate(now time.Time) error {
	alive := s.alive(now)
	if len(alive) < maxKeys {
		return nil
	}
	return fmt.Errorf("%w: wait until %s", ErrTooMany, alive[maxKeys-1].until.Format(time.RFC3339))
}

func (s *Set) rotated(fresh *Key, now, until time.Time) *Set {
	last := *s.keys[0]
	last.until = until.UTC().Truncate(time.Second)
	next := &Set{Generation: s.Generation + 1, secret: s.secret}
	next.keys = append(append(next.keys, fresh, &last), s.keys[1:]...)
	next.keys = next.alive(now)
	return next
}

// alive returns the keys that may still verify a token at now.
func (s *Set) alive(now time.Time) (keys []*Key) {
	for _, k := range s.keys {
		if k.VerifiesAt(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Set returns the keys of this moment. [ReadKeys] may have found none.
func (k *Keys) Set() *Set { return k.set.Load() }

// Signing returns the key that signs. There must be one.
func (s *Set) Signing() *Key { return s.keys[0] }

// Find returns the key of that name if it still verifies, else nil.
func (s *Set) Find(kid string, now time.Time) *Key {
	for _, k := range s.keys {
		if k.kid == kid && k.VerifiesAt(now) {
			return k
		}
	}
	return nil
}

func (s *Set) info(i int) KeyInfo {
	k := s.keys[i]
	return KeyInfo{KID: k.kid, Alg: k.method.Alg(), CreatedAt: k.created, Signs: i == 0, VerifiesUntil: k.until}
}

// List returns information on the keys. The first one signs.
func (k *Keys) List() []KeyInfo {
	set := k.set.Load()
	list := make([]KeyInfo, len(set.keys))
	for i := range set.keys {
		list[i] = set.info(i)
	}
	return list
}

// JWKS returns the JWK Set (RFC 7517) of all keys that may verify a valid token.
func (k *Keys) JWKS(now time.Time) []byte {
	var doc struct {
		Keys []jwk.Key `json:"keys"`
	}
	for _, key := range k.set.Load().alive(now) {
		doc.Keys = append(doc.Keys, key.jwk())
	}
	out, err := json.Marshal(doc)
	if err != nil {
		panic(err) // impossible: it has only strings
	}
	return out
}

// SecretKey returns the key of the hash of tenants' secrets. It must never be shown.
func (k *Keys) SecretKey() []byte { return k.set.Load().secret }

// Fingerprint identifies the key of the hash of tenants' secrets. It does not reveal the key, and
// stays the same when signing keys are rotated.
func (k *Keys) Fingerprint() (string, error) {
	sum, err := hkdf.Key(sha256.New, k.SecretKey(), nil, "stile: fingerprint of the key of secrets, 1", 16)
	if err != nil {
		return "", fmt.Errorf("fingerprint of the keys: %w", err)
	}
	return hex.EncodeToString(sum), nil
}

// Format keeps the keys out of logs and errors, whatever the verb.
func (k *Keys) Format(f fmt.State, _ rune) { fmt.Fprint(f, "signing.Keys(hidden)") }
