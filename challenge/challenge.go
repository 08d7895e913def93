// Package challenge makes the tasks that a visitor's browser (work) or the visitor (picture, sound)
// must solve, and checks answers.
//
// A challenge's id is its own record: token, number, kind, level, expiry and answer, sealed with a
// key of the server (seal.go). So any node can check an answer and render a picture, after a
// restart too, without a store. An invented id can't be opened, and costs almost nothing. Only
// caches are kept, and they are bounded: a challenge that is requested again is the same, and a
// picture is rendered once.
//
// Work is an ALTCHA v2 challenge with a known counter (work.go), which an unchanged solver solves.
// Pictures and sounds are rendered by dchest/captcha (render.go): only its renderers are used,
// never its store.
//
// tokens.Step ensures that a challenge works once, for one token, in time. This package stores no
// answers and refuses none.
package challenge

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"
)

// Kind is the kind of a challenge. The zero Kind is not a challenge.
type Kind uint8

// The kinds of challenge, numbered as those of tokens.
const (
	Work Kind = iota + 1
	Picture
)

// Spec says which challenge is needed, and for which token.
type Spec struct {
	Token   [16]byte // the token that must answer
	Number  uint16   // which of its challenges this is
	Kind    Kind
	Level   uint8     // work level, 0 to MaxLevel
	Expires time.Time // whole seconds, until 2106
}

// Challenge is what the visitor's browser receives. It contains the answer only sealed, in its ID.
type Challenge struct {
	ID         string
	Kind       Kind
	Expires    time.Time
	Parameters *Parameters // of work; shared, so they must not be changed
	Digits     int         // of a picture
}

// Errors that a caller must distinguish. ErrUnknown is for an id that this server did not make, or
// that has no picture. After ErrBusy, the caller can try again.
var (
	ErrUnknown = errors.New("no such challenge")
	ErrExpired = errors.New("the challenge has expired")
	ErrBusy    = errors.New("too many pictures are being drawn")

	ErrOtherLanguage = errors.New("the challenge was spoken in another language")
)

// Maker makes challenges and opens their ids. It is safe for concurrent use. Makers with the same
// key can open each other's ids.
type Maker struct {
	aead     cipher.AEAD
	made     *onceCache[specKey, Challenge]
	pictures *onceCache[string, []byte]
	sounds   *onceCache[string, soundKey]
	slots    renderSlots
}

// Bounds of a Maker's caches. A picture takes about 7 kB, a sound 120 to 160 kB, a challenge 600
// bytes.
const (
	cachedChallenges = 16 << 10
	cachedPictures   = 8 << 20  // bytes
	cachedSounds     = 32 << 20 // bytes
)

// NewMaker returns a Maker with a key that is derived from key, which must have at least 32 bytes
// and may have other purposes too.
func NewMaker(key []byte) (*Maker, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, fmt.Errorf("derive the key of challenges: %w", err)
	}
	size := func(b []byte) int { return len(b) }
	return &Maker{
		aead:     aead,
		made:     newOnceCache[specKey](cachedChallenges, func(Challenge) int { return 1 }),
		pictures: newOnceCache[string](cachedPictures, size),
		sounds:   newOnceCache[string](cachedSounds, func(s soundKey) int { return size(s.wav) }),
		slots:    newRenderSlots(),
	}, nil
}

// Make returns a challenge for a: the same one for the same Spec while it is cached. After that,
// and on another node, it is another one of the same number. The first of them that is solved
// closes it.
func (m *Maker) Make(a Spec) (Challenge, error) {
	return m.made.get(context.Background(), a.key(), func() (Challenge, error) { return m.make(a.key()) })
}

func (m *Maker) make(r specKey) (Challenge, error) {
	c := Challenge{Kind: r.kind, Expires: time.Unix(int64(r.expires), 0).UTC()}
	var answer uint32
	switch r.kind {
	case Work:
		p, counter, err := newWork(r.level, int64(r.expires))
		if err != nil {
			return Challenge{}, err
		}
		c.Parameters, answer = &p, counter
	case Picture:
		c.Digits, answer = digits, newDigits()
	default:
		return Challenge{}, fmt.Errorf("make a challenge: unknown kind %d", r.kind)
	}
	c.ID = m.seal(sealed{specKey: r, digits: uint8(c.Digits), answer: answer})
	return c, nil
}

// Open returns the Spec of a challenge's id. It returns false for an id that this server did not
// make.
func (m *Maker) Open(id string) (Spec, bool) {
	s, ok := m.open(id)
	if !ok {
		return Spec{}, false
	}
	return s.spec(), true
}
