package challenge

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"
)

// specKey is a Spec in the form for sealing and caching: comparable, in whole seconds.
type specKey struct {
	token   [16]byte
	number  uint16
	kind    Kind
	level   uint8
	expires uint32
}

func (a Spec) key() specKey {
	return specKey{a.Token, a.Number, a.Kind, min(a.Level, MaxLevel), uint32(a.Expires.Unix())}
}

// sealed is the content of an id.
type sealed struct {
	specKey
	digits uint8  // number of digits in the picture; 0: work
	answer uint32 // the counter, or the digits as one number
}

func (s sealed) spec() Spec {
	return Spec{s.token, s.number, s.kind, s.level, time.Unix(int64(s.expires), 0).UTC()}
}

// An id is nonce, ciphertext and tag in base64url: 57 bytes in 76 characters. That leaves no unused
// bits, so an id has one spelling.
const (
	nonceSize = 12
	plainSize = 16 + 2 + 1 + 1 + 4 + 1 + 4
	boxSize   = nonceSize + plainSize + 16
	idSize    = boxSize / 3 * 4
)

var idEncoding = base64.RawURLEncoding.Strict()

// sealer returns AES-256-GCM with a derived key. Nonces are random. After 2^32 challenges, the
// probability that two are equal is 2^-33, which is the limit of NIST SP 800-38D, 8.3. A server
// that makes 100 a second gets there in 16 months.
func sealer(key []byte) (cipher.AEAD, error) {
	if len(key) < 32 {
		return nil, errors.New("the key must have at least 32 bytes")
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "stile: sealed challenges, 1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (m *Maker) seal(s sealed) string {
	box := make([]byte, nonceSize, boxSize)
	rand.Read(box) // can't fail: crypto/rand ends the program instead
	plain := make([]byte, 0, plainSize)
	plain = append(plain, s.token[:]...)
	plain = binary.BigEndian.AppendUint16(plain, s.number)
	plain = append(plain, byte(s.kind), s.level)
	plain = binary.BigEndian.AppendUint32(plain, s.expires)
	plain = append(plain, s.digits)
	plain = binary.BigEndian.AppendUint32(plain, s.answer)
	return idEncoding.EncodeToString(m.aead.Seal(box, box, plain, nil))
}

// open takes about a microsecond, whatever the id. An id of another length is refused first, any
// other invalid one by its tag.
func (m *Maker) open(id string) (s sealed, ok bool) {
	var box [boxSize]byte
	if len(id) != idSize {
		return s, false
	}
	// The decoder skips line breaks, so an id with a line break is too short.
	if n, err := idEncoding.Decode(box[:], []byte(id)); err != nil || n != boxSize {
		return s, false
	}
	plain, err := m.aead.Open(box[nonceSize:nonceSize], box[:nonceSize], box[nonceSize:], nil)
	if err != nil {
		return s, false
	}
	copy(s.token[:], plain)
	s.number = binary.BigEndian.Uint16(plain[16:])
	s.kind, s.level = Kind(plain[18]), plain[19]
	s.expires = binary.BigEndian.Uint32(plain[20:])
	s.digits = plain[24]
	s.answer = binary.BigEndian.Uint32(plain[25:])
	return s, true
}
