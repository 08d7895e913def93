package signing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Box encrypts what must not be readable in a database, such as keys: with AES-256-GCM, and a key
// that is not in the database.
type Box struct {
	keys   [][]byte // the first one encrypts
	finger string
}

// ErrBox means that something was encrypted with another key, or is damaged.
var ErrBox = errors.New("was encrypted with another key, or is damaged")

// The first byte of what a box seals: the version of its format.
const boxVersion = 1

// saltSize is the size of the random salt. Each value has a key of its own, derived with it: random
// nonces of GCM alone must not be used for more than 2^32 values of one key (NIST SP 800-38D).
const saltSize = 32

// NewBox returns a box with a key of 32 bytes. The others only decrypt, so that the key can be
// changed while nodes run.
func NewBox(key []byte, others ...[]byte) (*Box, error) {
	keys := append([][]byte{key}, others...)
	for _, k := range keys {
		if len(k) != 32 {
			return nil, fmt.Errorf("the key has %d bytes: must be 32", len(k))
		}
	}
	sum, err := hkdf.Key(sha256.New, key, nil, "stile: fingerprint of the key of a database, 1", 16)
	if err != nil {
		return nil, err
	}
	return &Box{keys, hex.EncodeToString(sum)}, nil
}

// Fingerprint identifies the key that encrypts. It does not reveal it.
func (b *Box) Fingerprint() string { return b.finger }

// Seal encrypts data. Open needs the same context, which says what the data is.
func (b *Box) Seal(context string, data []byte) []byte {
	out := make([]byte, 1+saltSize, 1+saltSize+len(data)+16)
	out[0] = boxVersion
	rand.Read(out[1:]) // can't fail: crypto/rand ends the program instead
	aead, nonce := cipherOf(b.keys[0], out[1:])
	return aead.Seal(out, nonce, data, []byte(context))
}

// Open decrypts what Seal returned. Its error is [ErrBox].
func (b *Box) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+saltSize || sealed[0] != boxVersion {
		return nil, ErrBox
	}
	for _, key := range b.keys {
		aead, nonce := cipherOf(key, sealed[1:1+saltSize])
		if data, err := aead.Open(nil, nonce, sealed[1+saltSize:], []byte(context)); err == nil {
			return data, nil
		}
	}
	return nil, ErrBox
}

// cipherOf returns the cipher for a key and a salt, and its only nonce.
func cipherOf(key, salt []byte) (cipher.AEAD, []byte) {
	derived, err := hkdf.Key(sha256.New, key, salt, "stile: seal in a database, 1", 32+12)
	if err != nil {
		panic(err) // impossible: the length is allowed
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		panic(err) // impossible: the key has 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // impossible: the block has 16 bytes
	}
	return aead, derived[32:]
}

// Format keeps the key out of logs and errors, whatever the verb.
func (b *Box) Format(f fmt.State, _ rune) { fmt.Fprint(f, "signing.Box(hidden)") }
