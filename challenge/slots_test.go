package challenge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestPictures checks that each picture is a small PNG of a fixed size, with dark digits on white.
func TestPictures(t *testing.T) {
	m := newMaker(t)
	for n := range uint16(200) {
		b, err := m.Picture(context.Background(), make1(t, m, ask(Picture, n)).ID, now, allow)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds().Size(); size.X != 2*width || size.Y != 2*height {
			t.Errorf("a picture of %v", size)
		}
		if len(b) > 10<<10 {
			t.Errorf("a picture of %d bytes", len(b))
		}
		if r, g, b, a := img.At(0, 0).RGBA(); r+g+b+a != 4*0xFFFF {
			t.Errorf("the paper is %d %d %d %d", r, g, b, a)
		}
	}
}

// TestSounds checks that each sound is a WAV with a correct header, in every language.
func TestSounds(t *testing.T) {
	for _, lang := range languages {
		m := newMaker(t) // it has one language for each challenge
		for n := range uint16(10) {
			b, err := m.Sound(context.Background(), make1(t, m, ask(Picture, n)).ID, lang, now, allow)
			if err != nil {
				t.Fatalf("%s: %v", lang, err)
			}
			if len(b) > 400<<10 || len(b) < 80<<10 {
				t.Errorf("%s: a sound of %d bytes", lang, len(b))
			}
			size, rate, data := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[24:]), bytes.Index(b, []byte("data"))
			if string(b[:4]) != "RIFF" || string(b[8:16]) != "WAVEfmt " || int(size) != len(b)-8 || rate != 8000 || data < 0 {
				t.Errorf("%s: %d bytes begin with %q", lang, len(b), b[:60])
				continue
			}
			if n := int(binary.LittleEndian.Uint32(b[data+4:])); n+n%2 != len(b)-data-8 {
				t.Errorf("%s: %d bytes of sound are announced, %d come", lang, n, len(b)-data-8)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	for tag, want := range map[string]string{
		"": "en", "en": "en", "de": "en", "zh": "zh", "ZH-hant-TW": "zh", "pt_BR": "pt", "pt-BR": "pt", "ja-JP": "ja", "ru": "ru",
		"-": "en", "zhx": "en", "../../ru": "en", strings.Repeat("ru", 999): "en",
	} {
		if got := nearest(tag); got != want {
			t.Errorf("%.20q is spoken as %s, want %s", tag, got, want)
		}
	}
}

// TestRenderedOnce checks that a picture is rendered once for all requests, simultaneous ones too,
// and a sound once for all names of its language.
func TestRenderedOnce(t *testing.T) {
	m := newMaker(t)
	id := make1(t, m, ask(Picture, 1)).ID
	for what, get := range map[string]func(i int) ([]byte, error){
		"picture": func(int) ([]byte, error) { return m.Picture(context.Background(), id, now, allow) },
		"sound": func(i int) ([]byte, error) {
			return m.Sound(context.Background(), id, []string{"en", "de", "", "en-GB"}[i%4], now, allow)
		},
	} {
		var all sync.WaitGroup
		got := make([][]byte, 200)
		for i := range got {
			all.Go(func() { got[i], _ = get(i) })
		}
		all.Wait()
		for _, b := range got {
			if len(b) == 0 || &b[0] != &got[0][0] {
				t.Fatalf("the %s was drawn twice, or not at all", what)
			}
		}
	}
	if _, err := m.Sound(context.Background(), id, "ja", now, allow); !errors.Is(err, ErrOtherLanguage) {
		t.Errorf("one challenge in a second language: %v", err)
	}
	english, _ := m.Sound(context.Background(), id, "en", now, allow)
	n := newMaker(t)
	if other, err := n.Sound(context.Background(), make1(t, n, ask(Picture, 1)).ID, "ja", now, allow); err != nil || bytes.Equal(other, english) {
		t.Error("Japanese sounds like English", err)
	}
}

// TestS60Allowed checks that allow can refuse rendering, and is not called for what is cached.
func TestS60Allowed(t *testing.T) {
	m := newMaker(t)
	id := make1(t, m, ask(Picture, 1)).ID
	no := errors.New("six times already")
	forbid := func() error { return no }
	if _, err := m.Picture(context.Background(), id, now, forbid); !errors.Is(err, no) {
		t.Errorf("the picture: %v", err)
	}
	if _, err := m.Sound(context.Background(), id, "en", now, forbid); !errors.Is(err, no) {
		t.Errorf("the sound: %v", err)
	}
	if _, err := m.Picture(context.Background(), id, now, allow); err != nil {
		t.Error(err)
	}
	if b, err := m.Picture(context.Background(), id, now, forbid); err != nil || len(b) == 0 {
		t.Errorf("the picture that is remembered: %v", err)
	}
}

// allow allows every rendering.
func allow() error { return nil }

// TestS32NothingIsRenderedForOthers checks that an invented id, an id of work, and an expired one
// take no render slot.
func TestS32NothingIsRenderedForOthers(t *testing.T) {
	m := newMaker(t)
	m.slots = renderSlots{} // taking one would wait forever, or return ErrBusy
	a := ask(Picture, 1)
	id := make1(t, m, a).ID
	for _, c := range []struct {
		id   string
		now  time.Time
		want error
	}{
		{"", now, ErrUnknown},
		{strings.Repeat("A", idSize), now, ErrUnknown},
		{id[:idSize-1] + "~", now, ErrUnknown},
		{make1(t, m, ask(Work, 2)).ID, now, ErrUnknown},
		{id, a.Expires, ErrExpired},
		{id, a.Expires.Add(time.Hour), ErrExpired},
		{id, a.Expires.Add(-time.Second), ErrBusy},
	} {
		if _, err := m.Picture(context.Background(), c.id, c.now, allow); !errors.Is(err, c.want) {
			t.Errorf("the picture of %q: %v, want %v", c.id, err, c.want)
		}
		if _, err := m.Sound(context.Background(), c.id, "en", c.now, allow); !errors.Is(err, c.want) {
			t.Errorf("the sound of %q: %v, want %v", c.id, err, c.want)
		}
	}
	if len(m.pictures.byKey)+len(m.sounds.byKey) != 0 {
		t.Error("a refusal is remembered")
	}
}

// TestSlotsAreBounded checks that one renders, some wait, and the next gets ErrBusy.
func TestSlotsAreBounded(t *testing.T) {
	p := newRenderSlots()
	drawing, hold := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for range cap(p.queue) {
		all.Go(func() {
			p.render(func() ([]byte, error) { drawing <- struct{}{}; <-hold; return nil, nil })
		})
	}
	for range cap(p.free) {
		<-drawing
	}
	for len(p.queue) < cap(p.queue) { // the others are about to enter the queue
		time.Sleep(time.Millisecond)
	}
	if _, err := p.render(func() ([]byte, error) { return nil, nil }); !errors.Is(err, ErrBusy) {
		t.Errorf("a full queue says %v", err)
	}
	select {
	case <-drawing:
		t.Error("more draw than there are pens")
	default:
	}
	close(hold)
	go func() {
		for range drawing {
		}
	}()
	all.Wait()
	close(drawing)
	if b, err := p.render(func() ([]byte, error) { return []byte("x"), nil }); err != nil || string(b) != "x" {
		t.Errorf("afterwards: %q, %v", b, err)
	}
}

// TestDrawingPanics checks that a panic in the library is returned as an error, and that its slot
// becomes free.
func TestDrawingPanics(t *testing.T) {
	p := newRenderSlots()
	for range 2 * cap(p.queue) {
		if _, err := p.render(func() ([]byte, error) { panic("index out of range") }); err == nil || errors.Is(err, ErrBusy) {
			t.Fatalf("a panic is %v", err)
		}
	}
}
