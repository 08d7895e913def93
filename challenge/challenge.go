// Package challenge makes what a visitor's browser (work) or the visitor
// (picture, sound) must solve, and says whether an answer is right.
//
// A challenge's id is its own record: token, number, kind, level, expiry and
// answer, sealed under a key of the server's (seal.go). So any node can check
// an answer and draw a picture, after a restart too, with no store; and an id
// that somebody made up opens nowhere and costs next to nothing. What is kept
// is memory alone, and bounded: a challenge that is met again is shown again,
// and a picture is drawn once.
//
// Work is an ALTCHA v2 challenge with a known counter (work.go), which an
// unchanged solver solves. Pictures and sounds are rendered by dchest/captcha
// (render.go): only its renderers, never its store.
//
// That a challenge works once, for one token, in its time, is tokens.Step's
// to decide: this package remembers no answer and refuses none.
package challenge

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"time"
)

// Kind is the sort of a challenge. The zero Kind is none.
type Kind uint8

// The kinds of challenge, numbered as those of tokens.
const (
	Work Kind = iota + 1
	Picture
)

// Spec says what is asked for, and of whom.
type Spec struct {
	Token   [16]byte  // the token that must answer
	Number  uint16    // which of its challenges this is
	Kind    Kind      //
	Level   uint8     // how dear the work is, 0 to MaxLevel
	Expires time.Time // whole seconds, until 2106
}

// Challenge is what the visitor's browser is given. It does not hold the
// answer, save sealed in its ID.
type Challenge struct {
	ID         string
	Kind       Kind
	Expires    time.Time
	Parameters *Parameters // of work; not to be changed: others hold it too
	Digits     int         // of a picture
}

// What a caller must tell apart. ErrUnknown is an id that this server did not
// make, or that has no picture; ErrBusy asks to be tried again.
var (
	ErrUnknown = errors.New("no such challenge")
	ErrExpired = errors.New("the challenge has expired")
	ErrBusy    = errors.New("too many pictures are being drawn")

	ErrOtherLanguage = errors.New("the challenge was spoken in another language")
)

// Maker makes challenges and knows its own again. It is safe for concurrent
// use, and its makers of the same key know each other's.
type Maker struct {
	aead     cipher.AEAD
	made     *onceCache[specKey, Challenge]
	pictures *onceCache[string, []byte]
	sounds   *onceCache[string, soundKey]
	pens     renderSlots
}

// Bounds of what a Maker remembers. A picture is about 2 kB, a sound 120 to
// 160 kB, a challenge 600 bytes.
const (
	rememberedChallenges = 16 << 10
	rememberedPictures   = 8 << 20  // bytes
	rememberedSounds     = 32 << 20 // bytes
)

// NewMaker makes challenges that are sealed under a key derived from key,
// which has at least 32 bytes and may serve other purposes too.
func NewMaker(key []byte) (*Maker, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, fmt.Errorf("derive the challenges' key: %w", err)
	}
	size := func(b []byte) int { return len(b) }
	return &Maker{
		aead:     aead,
		made:     newOnceCache[specKey](rememberedChallenges, func(Challenge) int { return 1 }),
		pictures: newOnceCache[string](rememberedPictures, size),
		sounds:   newOnceCache[string](rememberedSounds, func(s soundKey) int { return size(s.wav) }),
		pens:     newRenderSlots(),
	}, nil
}

// Make returns the challenge for a: the same one for the same Ask, as long as
// it is remembered. Where it is forgotten, and on another node, it is another
// one of the same number, and the first of them that is solved closes it.
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
		return Challenge{}, fmt.Errorf("make a challenge of kind %d: there is no such kind", r.kind)
	}
	c.ID = m.seal(sealed{specKey: r, digits: uint8(c.Digits), answer: answer})
	return c, nil
}

// Open returns what a challenge's id was made for. Anything that this server
// did not make is false.
func (m *Maker) Open(id string) (Spec, bool) {
	s, ok := m.open(id)
	if !ok {
		return Spec{}, false
	}
	return s.spec(), true
}
