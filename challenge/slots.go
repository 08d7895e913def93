package challenge

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

// Picture is the PNG of a picture's challenge. It is drawn once as long as it
// is remembered, and only where this server sealed the id: a made-up one is
// ErrUnknown before anything is drawn.
//
// allow is asked before anything is drawn, and not if it is remembered; its
// error is returned.
func (m *Maker) Picture(ctx context.Context, id string, now time.Time, allow func() error) ([]byte, error) {
	s, err := m.openForRender(id, now)
	if err != nil {
		return nil, err
	}
	return m.pictures.get(ctx, id, func() ([]byte, error) {
		if err := allow(); err != nil {
			return nil, err
		}
		return m.pens.render(func() ([]byte, error) { return renderPicture(id, s.numerals()) })
	})
}

// soundKey is a sound, which has a language.
type soundKey struct {
	lang string
	wav  []byte
}

// Sound is the WAV of the same challenge, in the language nearest to lang, a
// BCP 47 tag; English where there is none. As long as it is remembered there is
// one sound of a challenge: another language is [ErrOtherLanguage]. allow is
// asked as for [Maker.Picture].
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
		wav, err := m.pens.render(func() ([]byte, error) { return renderSound(id, s.numerals(), lang) })
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

// numerals are the digits one by one, as the library wants them.
func (s sealed) numerals() []byte {
	n := []byte(s.text())
	for i := range n {
		n[i] -= '0'
	}
	return n
}

// renderSlots bound what drawing may take: half of the processors, and a short queue
// in front of them, so that nobody waits long for a pen.
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
	// The library's random placing can run over its own buffers: see render.go.
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("draw a challenge: %v", r)
		}
	}()
	return fn()
}
