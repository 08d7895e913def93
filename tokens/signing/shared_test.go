package signing

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func newBox(t *testing.T, b byte) *Box {
	t.Helper()
	box, err := NewBox(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// TestBox checks that nothing opens but what was sealed with the key, for the same purpose.
func TestBox(t *testing.T) {
	a, b := newBox(t, 1), newBox(t, 2)
	sealed := a.Seal("keys", []byte("secret"))
	if data, err := a.Open("keys", sealed); string(data) != "secret" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if bytes.Contains(sealed, []byte("secret")) || bytes.Equal(sealed, a.Seal("keys", []byte("secret"))) {
		t.Error("the same text is sealed in the same way")
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := a.Open("keys", bad); !errors.Is(err, ErrBox) {
			t.Fatalf("opened with byte %d changed: %v", i, err)
		}
	}
	for _, bad := range [][]byte{nil, sealed[:10], sealed[:len(sealed)-1]} {
		if _, err := a.Open("keys", bad); !errors.Is(err, ErrBox) {
			t.Errorf("opened %d bytes: %v", len(bad), err)
		}
	}
	if _, err := a.Open("other", sealed); !errors.Is(err, ErrBox) {
		t.Errorf("opened for another purpose: %v", err)
	}
	if _, err := b.Open("keys", sealed); !errors.Is(err, ErrBox) {
		t.Errorf("opened with another key: %v", err)
	}
	both, err := NewBox(bytes.Repeat([]byte{2}, 32), bytes.Repeat([]byte{1}, 32))
	if err != nil || both.Fingerprint() != b.Fingerprint() {
		t.Fatal(err)
	}
	if data, err := both.Open("keys", sealed); string(data) != "secret" || err != nil {
		t.Errorf("with the old key: %v", err)
	}
	if _, err := a.Open("keys", both.Seal("keys", nil)); !errors.Is(err, ErrBox) {
		t.Errorf("the old key encrypts: %v", err)
	}
	if a.Fingerprint() == b.Fingerprint() || strings.Contains(fmt.Sprintf("%v %+v %#v", a, a, a), "1, 1") {
		t.Error("fingerprints are equal, or a key is shown")
	}
	if _, err := NewBox([]byte("short")); err == nil {
		t.Error("a short key is accepted")
	}
}

// TestShared checks the two steps of a rotation: an announced key verifies and does not sign, and
// survives being sealed.
func TestShared(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	box := newBox(t, 1)
	first, err := NewSet(now)
	if err != nil {
		t.Fatal(err)
	}
	keys := Shared(first, true)
	if _, err := keys.Rotate(now, EdDSA, time.Hour); err == nil || !keys.New() {
		t.Errorf("one node alone rotates shared keys: %v", err)
	}
	announced, info, err := first.Announce(ES256, now)
	if err != nil || info.Signs || announced.Announced() != info.KID {
		t.Fatalf("%+v, %v", info, err)
	}
	sealed, err := announced.Seal(box)
	if err != nil {
		t.Fatal(err)
	}
	read, err := Unseal(box, sealed, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	before := keys.Set().Generation
	keys.Use(read)
	if k := keys.Set(); k.Signing().KID() != first.Signing().KID() || k.Find(info.KID, now.Add(100*time.Hour)) == nil || k.Generation == before || k.Announced() != info.KID {
		t.Errorf("after the announcement: %+v", keys.List())
	}
	if _, _, ok := read.Promote("other", now, time.Hour); ok {
		t.Error("a key that was not announced signs")
	}
	next, signs, ok := read.Promote(info.KID, now, time.Hour)
	if !ok || !signs.Signs || signs.KID != info.KID || next.Announced() != "" || next.keys[1].until != now.Add(time.Hour+rotationSlack) {
		t.Errorf("%+v, %v", signs, ok)
	}
	again, other, err := announced.Announce(EdDSA, now)
	if err != nil || len(again.keys) != 2 || again.Announced() != other.KID {
		t.Errorf("a second announcement: %+v, %v", again.keys, err)
	}
	if _, err := Unseal(newBox(t, 2), sealed, now); !errors.Is(err, ErrBox) {
		t.Errorf("unsealed with another key: %v", err)
	}
}
