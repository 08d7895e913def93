package challenge

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// Picture returns the PNG of a picture challenge. It renders a picture once while it is cached, and
// only for an id that this server sealed. For any other id, the error is ErrUnknown.
//
// It calls allow before it renders, but not for a cached picture, and returns its error.
func (m *Maker) Picture(ctx context.Context, id string, now time.Time, allow func() error) ([]byte, error) {
	s, err := m.openForRender(id, now)
	if err != nil {
		return nil, err
	}
	return m.pictures.get(ctx, id, func() ([]byte, error) {
		if err := allow(); err != nil {
			return nil, err
		}
		return m.slots.render(func() ([]byte, error) { return renderPicture(id, s.numerals()) })
	})
}

// soundKey is a sound with its language.
type soundKey struct {
	lang string
	wav  []byte
}

// Sound returns the WAV of the same challenge in the language nearest to lang, a BCP 47 tag. The
// default is English. While a challenge's sound is cached, there is only that one: for another
// language, the error is [ErrOtherLanguage]. allow is called as by [Maker.Picture].
func (m *Maker) Sound(ctx context.Context, id, lang string, now time.Time, allow func() error) ([]byte, error) {
	s, err := m.openForRender(id, now)
	if err != nil {
		return nil, err
	}
	lang = nearest(lang)
	said, err := m.sounds.get(ctx, id, func() (soundKey, error) {
		if err := allow(); err != nil {
			return soundKey{}, err
		}
		wav, err := m.slots.render(func() ([]byte, error) { return renderSound(id, s.numerals(), lang) })
		return soundKey{lang, wav}, err
	})
	if err == nil && said.lang != lang {
		return nil, ErrOtherLanguage
	}
	return said.wav, err
}

func (m *Maker) openForRender(id string, now time.Time) (sealed, error) {
	s, ok := m.open(id)
	switch {
	case !ok || s.kind != Picture:
		return sealed{}, ErrUnknown
	case now.Unix() >= int64(s.expires):
		return sealed{}, ErrExpired
	}
	return s, nil
}

// numerals returns the digits as separate bytes, as the library needs them.
func (s sealed) numerals() []byte {
	n := []byte(s.text())
	for i := range n {
		n[i] -= '0'
	}
	return n
}

// renderSlots bounds the processor time for rendering to half of the processors. A short queue
// bounds the wait.
type renderSlots struct{ free, queue chan struct{} }

const renderQueue = 64

func newRenderSlots() renderSlots {
	n := max(1, runtime.GOMAXPROCS(0)/2)
	return renderSlots{make(chan struct{}, n), make(chan struct{}, n+renderQueue)}
}

func (p renderSlots) render(fn func() ([]byte, error)) (b []byte, err error) {
	select {
	case p.queue <- struct{}{}:
		defer func() { <-p.queue }()
	default:
		return nil, ErrBusy
	}
	p.free <- struct{}{}
	defer func() { <-p.free }()
	// The library's random positions can exceed its own buffers: see render.go.
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("render a challenge: %v", r)
		}
	}()
	return fn()
}
