package handlers

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"stile.example/stile/challenge"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/tokens"
)

// askPicture is a token's picture.
func (s *site) askPicture(token string) *challengeJSON {
	s.Helper()
	s.policy.Token.Ladder = []tokens.Kind{tokens.Picture}
	return s.spike(token)
}

// TestPictures checks the responses for an <img> and an <audio>.
func TestPictures(t *testing.T) {
	s := newSite(t)
	task := s.askPicture(s.mint())
	picture, sound := strings.TrimPrefix(task.Picture, publicURL), strings.TrimPrefix(task.Sound, publicURL)
	for _, c := range []struct {
		path, contentType, begins string
		header                    http.Header
		status                    int
	}{
		{picture, "image/png", "\x89PNG", nil, 200},
		{picture + "?callback=cb", "image/png", "\x89PNG", nil, 200},
		{picture + "?callback=alert(1)&x=%zz", "image/png", "\x89PNG", nil, 200},
		{sound, "audio/wav", "RIFF", nil, 200},
		{sound + "?lang=ja", "application/json", `{"error"`, nil, 429}, // a second language
		{sound + "?lang=" + strings.Repeat("x", 900), "audio/wav", "RIFF", nil, 200},
		{sound, "audio/wav", "RI", http.Header{"Range": {"bytes=0-1"}}, 206},
	} {
		rec := s.do(ask{path: c.path, header: c.header})
		s.check(rec, c.status, c.contentType, fixed(rec.Body.String()), c.path)
		if !strings.HasPrefix(rec.Body.String(), c.begins) {
			t.Errorf("%s: %.20q", c.path, rec.Body)
		}
	}
	if rec := s.do(ask{path: sound, header: http.Header{"Range": {"bytes=0-1"}}}); rec.Body.Len() != 2 {
		t.Errorf("a range of two bytes has %d", rec.Body.Len())
	}
	if rec := s.do(ask{method: "HEAD", path: picture}); rec.Code != 200 || rec.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d %v", rec.Code, rec.Header())
	}
	if img, err := png.Decode(s.do(ask{path: picture}).Body); err != nil || img.Bounds().Dx() != 480 {
		t.Errorf("%v, %v", img, err)
	}
	english := s.do(ask{path: sound}).Body.Bytes()
	other := newSite(t)
	japanese := other.do(ask{path: strings.TrimPrefix(other.askPicture(other.mint()).Sound, publicURL) + "?lang=ja"}).Body.Bytes()
	if bytes.Equal(english, japanese) {
		t.Error("every language sounds the same")
	}
}

// TestNoPicture checks that a refusal is JSON, whatever the parameters are.
func TestNoPicture(t *testing.T) {
	for _, c := range []struct {
		name, detail string
		code         codes.Code
		status       int
		spoil        func(*site)
	}{
		{"expired", "The challenge has expired.", codes.NotFound, 404, func(s *site) { s.now = s.now.Add(5 * time.Minute) }},
		{"work", "There is no such challenge, or it has no picture and no sound.", codes.NotFound, 404, func(s *site) { s.asked = s.pretend(nil) }},
		{"made up", "There is no such challenge, or it has no picture and no sound.", codes.NotFound, 404, func(s *site) { s.asked = strings.Repeat("A", len(s.asked)) }},
		{"busy", infoOf(codes.Overloaded).Detail, codes.Overloaded, 503, func(s *site) { s.Challenges = failing{s.Challenges, challenge.ErrBusy} }},
		{"broken", infoOf(codes.Overloaded).Detail, codes.Overloaded, 503, func(s *site) { s.Challenges = failing{s.Challenges, errDisk} }},
		{"blocked", infoOf(codes.AddressBlocked).Detail, codes.AddressBlocked, 403, func(s *site) { s.block("192.0.2.0/24", time.Time{}) }},
	} {
		s := newSite(t)
		s.askPicture(s.mint())
		c.spoil(s)
		for _, file := range []string{pictureFile, soundFile, pictureFile + "?callback=cb", soundFile + "?callback=alert(1)"} {
			rec := s.do(ask{path: "/v1/challenges/" + s.asked + file})
			body := rec.Body.String()
			if rec.Code != c.status || rec.Header().Get("Content-Type") != "application/json" || !strings.HasPrefix(body, `{"error":{"type":"/problems/`+string(c.code)) || !strings.Contains(body, c.detail) {
				t.Errorf("%s: %s: %d %v %s", c.name, file, rec.Code, rec.Header(), body)
			}
			if (rec.Header().Get("Retry-After") != "") != (c.code == codes.Overloaded) {
				t.Errorf("%s: %s: Retry-After %q", c.name, file, rec.Header().Get("Retry-After"))
			}
		}
	}
}

// failing draws nothing.
type failing struct {
	Challenges
	err error
}

func (s failing) Picture(context.Context, string, time.Time, func() error) ([]byte, error) {
	return nil, s.err
}

func (s failing) Sound(context.Context, string, string, time.Time, func() error) ([]byte, error) {
	return nil, s.err
}

// TestS32InvalidPictures checks that ids that this server did not seal are refused before anything
// is rendered, at almost no cost.
func TestS32InvalidPictures(t *testing.T) {
	s := newSite(t)
	s.API.Log = slog.New(slog.DiscardHandler)
	real := s.askPicture(s.mint()).ID
	watched := &counting{Challenges: s.Challenges}
	s.Challenges = watched
	const n = 10_000
	before := cpu(t)
	for i := range n {
		var id [57]byte
		for j := range id {
			id[j] = byte(rand.Uint32())
		}
		made := base64.RawURLEncoding.EncodeToString(id[:])
		switch i % 5 {
		case 1: // nearly a real one
			made = real[:40] + made[40:]
		case 2:
			made = real[:75] + "%0a" + real[75:]
		}
		rec := s.do(ask{path: fmt.Sprintf("/v1/challenges/%s%s", made, []string{pictureFile, soundFile}[i%2])})
		if rec.Code != 404 {
			t.Fatalf("%s: %d", made, rec.Code)
		}
	}
	each := (cpu(t) - before) / n
	t.Logf("%v of processor time each", each)
	if each > perInvalidID {
		t.Errorf("%v of processor time each, more than %v", each, perInvalidID)
	}
	if watched.drawn != 0 {
		t.Errorf("%d were drawn", watched.drawn)
	}
	if rec := s.do(ask{path: "/v1/challenges/" + real + pictureFile}); rec.Code != 200 || watched.drawn != 1 {
		t.Errorf("a real one: %d, %d drawn", rec.Code, watched.drawn)
	}
}

// counting counts what was drawn.
type counting struct {
	Challenges
	drawn int
}

func (c *counting) Picture(ctx context.Context, id string, now time.Time, allow func() error) ([]byte, error) {
	b, err := c.Challenges.Picture(ctx, id, now, allow)
	if err == nil {
		c.drawn++
	}
	return b, err
}

func (c *counting) Sound(ctx context.Context, id, lang string, now time.Time, allow func() error) ([]byte, error) {
	b, err := c.Challenges.Sound(ctx, id, lang, now, allow)
	if err == nil {
		c.drawn++
	}
	return b, err
}
