package statements

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// keyName is the name of the key in notes. It is the same for all publishers, whose keys differ.
const keyName = "stile-statements"

// SeedSize is the length of the secret that a key is made from, in bytes.
const SeedSize = ed25519.SeedSize

// Key signs statements. It is not the key that signs tokens, and is not rotated with it.
type Key struct {
	private  ed25519.PrivateKey
	verifier note.Verifier
	text     string
}

var _ note.Signer = (*Key)(nil)

// NewKey returns the key of a secret of [SeedSize] bytes.
func NewKey(seed []byte) (*Key, error) {
	if len(seed) != SeedSize {
		return nil, fmt.Errorf("key of statements: the secret has %d bytes, must have %d", len(seed), SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	text, err := note.NewEd25519VerifierKey(keyName, private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("key of statements: %w", err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("key of statements: %w", err)
	}
	return &Key{private, v, text}, nil
}

// Public returns the key that verifies signatures, as notes write it: name+hash+key.
func (k *Key) Public() string { return k.text }

// Name implements [note.Signer].
func (k *Key) Name() string { return k.verifier.Name() }

// KeyHash implements [note.Signer].
func (k *Key) KeyHash() uint32 { return k.verifier.KeyHash() }

// Sign implements [note.Signer].
func (k *Key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// Format keeps the key out of logs and errors, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "statements.Key(hidden)") }

// sign returns the note of a text.
func (k *Key) sign(text string) (string, error) {
	signed, err := note.Sign(&note.Note{Text: text}, k)
	return string(signed), err
}

// errUnknownKey says that a note is not signed by one of the keys.
var errUnknownKey = errors.New("the note is not signed by the given key: it is a statement of another publisher, or forged")

// Open returns the text of a note if one of the public keys has signed it.
func Open(signed string, keys ...string) (text string, err error) {
	var list []note.Verifier
	for _, k := range keys {
		if err := checkKey(k); err != nil {
			return "", err
		}
		v, err := note.NewVerifier(k)
		if err != nil {
			return "", err
		}
		list = append(list, v)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(list...))
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown):
		return "", errUnknownKey
	case errors.As(err, &invalid):
		return "", errors.New("the signature is wrong: the note was changed after it was signed")
	case err != nil:
		return "", fmt.Errorf("the note can't be read: %w", err)
	}
	sig := opened.Sigs[0]
	if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil || signed != opened.Text+"\n— "+sig.Name+" "+sig.Base64+"\n" {
		return "", errors.New("the note is not written as stile writes it")
	}
	return opened.Text, nil
}

// checkKey returns an error unless a public key is valid, and spelt as [Key.Public] returns it.
func checkKey(text string) error {
	name, rest, _ := strings.Cut(text, "+")
	hash, key, _ := strings.Cut(rest, "+")
	_, err := note.NewVerifier(text)
	if err == nil {
		_, err = base64.StdEncoding.Strict().DecodeString(key)
	}
	if err != nil || name != keyName || strings.ToLower(hash) != hash {
		return fmt.Errorf("%.200q is not a public key of statements: it must look like %s+1234abcd+AbC…=", text, keyName)
	}
	return nil
}

// ParseKeys returns the public keys of a text: one a line, as they are published. Empty lines and
// those that begin with # are skipped.
func ParseKeys(text string) (keys []string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := checkKey(line); err != nil {
			return nil, err
		}
		keys = append(keys, line)
	}
	if keys == nil {
		return nil, errors.New("there is no public key of statements")
	}
	return keys, nil
}
