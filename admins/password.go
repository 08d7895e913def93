package admins

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The lengths of a password that a person chooses, in characters.
const (
	MinPassword = 12
	MaxPassword = 128
)

// The cost of a password's hash: OWASP's first recommendation for argon2id.
const (
	memory   = 19 << 10 // KiB
	passes   = 2
	threads  = 1
	saltSize = 16
	hashSize = 32
)

// ErrBusy says that too many passwords are being checked.
var ErrBusy = errors.New("too many sign-ins at the same time; try again in a few seconds")

// hasher hashes passwords, few at a time: each takes 19 MiB and about 20 ms of a core.
type hasher struct {
	slots chan struct{}
	dummy string // a hash of which nobody knows the password
}

const (
	hashesAtOnce = 2
	hashTimeout  = 5 * time.Second // to wait for a slot
)

func newHasher() *hasher {
	h := &hasher{slots: make(chan struct{}, hashesAtOnce)}
	h.dummy = encodeHash(make([]byte, saltSize), make([]byte, hashSize))
	return h
}

// take waits for a slot.
func (h *hasher) take(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hashTimeout)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ErrBusy
	}
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.take(ctx); err != nil {
		return "", err
	}
	defer func() { <-h.slots }()
	salt := make([]byte, saltSize)
	rand.Read(salt) // can't fail: crypto/rand ends the program instead
	return encodeHash(salt, argon2.IDKey([]byte(password), salt, passes, memory, threads, hashSize)), nil
}

// matches reports whether a password has a hash. Without a hash it takes as long, and returns
// false.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.dummy
	}
	salt, want, err := decodeHash(hash)
	if err != nil {
		return false, err
	}
	if err := h.take(ctx); err != nil {
		return false, err
	}
	defer func() { <-h.slots }()
	got := argon2.IDKey([]byte(password), salt, passes, memory, threads, hashSize)
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// phc is the format of a hash: https://github.com/P-H-C/phc-string-format.
var phc = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, memory, passes, threads)

func encodeHash(salt, hash []byte) string {
	return phc + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(hash)
}

func decodeHash(text string) (salt, hash []byte, err error) {
	rest, ok := strings.CutPrefix(text, phc)
	one, two, both := strings.Cut(rest, "$")
	if !ok || !both {
		return nil, nil, errors.New("a stored password has an unknown format")
	}
	salt, err = base64.RawStdEncoding.DecodeString(one)
	if err == nil {
		hash, err = base64.RawStdEncoding.DecodeString(two)
	}
	if err != nil || len(salt) != saltSize || len(hash) != hashSize {
		return nil, nil, errors.New("a stored password is damaged")
	}
	return salt, hash, nil
}

// NewPassword returns a random password of 100 bits, in groups that are easy to type. It has no
// letters that look like digits.
func NewPassword() string {
	const letters = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's: without i, l, o, u
	b := make([]byte, 20)
	rand.Read(b) // can't fail: crypto/rand ends the program instead
	var text strings.Builder
	for i, c := range b {
		if i > 0 && i%5 == 0 {
			text.WriteByte('-')
		}
		text.WriteByte(letters[c%32])
	}
	return text.String()
}

// CheckPassword returns an error unless a person may choose a password.
func CheckPassword(name, password string) error {
	n := utf8.RuneCountInString(password)
	different := map[rune]bool{}
	for _, c := range password {
		different[c] = true
	}
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password):
		return invalid("the password must be text")
	case n < MinPassword:
		return invalid("the password has %d characters, and must have at least %d; a few words are easy to remember", n, MinPassword)
	case n > MaxPassword:
		return invalid("the password must have at most %d characters", MaxPassword)
	case len(different) < 5:
		return invalid("the password must have at least 5 different characters")
	case len(name) > 3 && strings.Contains(lower, strings.ToLower(name)):
		return invalid("the password must not contain the name")
	case isCommon(lower):
		return invalid("the password is one of those that are guessed first; choose another")
	}
	return nil
}

// common are the beginnings of the passwords of 12 characters or more that are guessed first.
var common = []string{"password", "passw0rd", "123456789", "1234567890", "qwertyuiop", "qwerty123", "letmein", "iloveyou", "administrator", "changeme", "welcome", "abc123", "1q2w3e4r", "correcthorse", "correct horse", "abcdefghijkl", "0987654321", "stilestile"}

func isCommon(lower string) bool {
	for _, start := range common {
		// What follows must add something that can't be guessed either.
		if rest, ok := strings.CutPrefix(lower, start); ok && utf8.RuneCountInString(rest) < 8 {
			return true
		}
	}
	return false
}

// CheckPassword returns the account if the password is its own. It takes as long, and returns
// [ErrNotFound], if it is not, or there is no such account or password.
func (d *Directory) CheckPassword(ctx context.Context, name, password string) (Admin, error) {
	a, err := d.Find(ctx, name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Admin{}, err
	}
	if len(password) > 4*MaxPassword {
		password = ""
	}
	ok, err := d.hasher.matches(ctx, a.Password, password)
	if err != nil {
		return Admin{}, err
	}
	if !ok {
		return Admin{}, ErrNotFound
	}
	return a, nil
}

// ErrIssuer says that an account belongs to an issuer, so it has no password and no passkeys.
var ErrIssuer = errors.New("signs in by OpenID Connect")

// SetPassword gives an account the password that its owner chose.
func (d *Directory) SetPassword(ctx context.Context, number int64, password string) error {
	return d.setPassword(ctx, number, password, false)
}

// ResetPassword gives an account a new one-time password and returns it.
func (d *Directory) ResetPassword(ctx context.Context, number int64) (string, error) {
	password := NewPassword()
	return password, d.setPassword(ctx, number, password, true)
}

func (d *Directory) setPassword(ctx context.Context, number int64, password string, once bool) error {
	hash, err := d.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = d.store.UpdateAdmin(ctx, number, func(a *Admin, _ int) error {
		if a.Issuer != "" {
			return ErrIssuer
		}
		a.Password, a.MustChange = hash, once
		return nil
	})
	return err
}
