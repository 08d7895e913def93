package signing

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"stile.example/stile/durable"
)

// keyFile is the format of the file of keys. Byte slices are base64 in JSON.
type keyFile struct {
	SecretKey []byte    `json:"secret_key"` // hashes the tenants' secrets
	Keys      []fileKey `json:"keys"`       // the first one signs
}

type fileKey struct {
	Alg           string    `json:"alg"`
	CreatedAt     time.Time `json:"created_at"`
	VerifiesUntil time.Time `json:"verifies_until,omitzero"`
	Private       []byte    `json:"private"` // PKCS #8, DER
}

// maxKeyFile is the maximum size of the file, far more than maxKeys of the largest keys need.
const maxKeyFile = 1 << 18

func readKeys(file string) (*Set, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxKeyFile:
		return nil, fmt.Errorf("%s: is not a file of keys", file)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s: is empty", file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set, err := decodeKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return set, nil
}

// restrict makes a file of keys, if there is one, readable only by its owner.
func restrict(file string) error {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil // readKeys says what is wrong
	}
	if err := os.Chmod(file, 0o600); err != nil {
		return fmt.Errorf("restrict access to the keys: %w", err)
	}
	return nil
}

// decodeKeys parses the file. Its errors never contain what it read, which may be a key.
func decodeKeys(data []byte) (*Set, error) {
	var f keyFile
	if json.Unmarshal(data, &f) != nil {
		return nil, errors.New("is not a file of keys, or damaged")
	}
	if len(f.SecretKey) != secretKeySize || len(f.Keys) == 0 || len(f.Keys) > maxKeys {
		return nil, fmt.Errorf("is not a file of keys, or damaged: must have a secret_key of %d bytes and 1 to %d keys", secretKeySize, maxKeys)
	}
	set := &Set{secret: f.SecretKey}
	for i, fk := range f.Keys {
		k, err := fk.key()
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		set.keys = append(set.keys, k)
	}
	if !set.keys[0].until.IsZero() {
		return nil, errors.New("is damaged: the first key must be the one that signs, without an end")
	}
	return set, nil
}

func (f fileKey) key() (*Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(f.Private)
	if err != nil {
		return nil, errors.New("not a private key in PKCS #8")
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("a key of this kind can't sign")
	}
	k, err := ownKey(private, f.CreatedAt.UTC(), f.VerifiesUntil.UTC())
	if err == nil && k.method.Alg() != f.Alg {
		err = fmt.Errorf("alg is %q, but this key signs with %s only", f.Alg, k.method.Alg())
	}
	return k, err
}

// writeKeys replaces file in one step. After a crash at any moment, the file has either the old
// keys or the new ones.
func writeKeys(file string, set *Set) error {
	data, err := set.encode()
	if err != nil {
		return err
	}
	return durable.Replace(file, data)
}

// encode returns the content of a file of keys.
func (s *Set) encode() ([]byte, error) {
	f := keyFile{SecretKey: s.secret}
	for _, k := range s.keys {
		der, err := x509.MarshalPKCS8PrivateKey(k.private)
		if err != nil {
			return nil, fmt.Errorf("encode key: %w", err)
		}
		f.Keys = append(f.Keys, fileKey{k.method.Alg(), k.created, k.until, der})
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode keys: %w", err)
	}
	return append(data, '\n'), nil
}
