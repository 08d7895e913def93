package admins

import (
	"bytes"
	"testing"
)

// FuzzDecodeHash checks that a stored password that is read is the same after it was written.
func FuzzDecodeHash(f *testing.F) {
	f.Add(encodeHash(make([]byte, saltSize), make([]byte, hashSize)))
	f.Add("$argon2id$v=19$m=1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		salt, hash, err := decodeHash(text)
		if err != nil {
			return
		}
		salt2, hash2, err := decodeHash(encodeHash(salt, hash))
		if err != nil || !bytes.Equal(salt, salt2) || !bytes.Equal(hash, hash2) || len(salt) != saltSize || len(hash) != hashSize {
			t.Errorf("%q: %x %x, then %x %x, %v", text, salt, hash, salt2, hash2, err)
		}
	})
}
