package links_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	. "stile.example/stile/links"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/linklist"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func book(t *testing.T) (*Book, linklist.Table) {
	t.Helper()
	table := linklist.Table{DB: newdb.Open(t, func() time.Time { return noon })}
	b, err := NewBook(table, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return b, table
}

// TestLife checks that a link opens until its end, that its use is noted, that it is listed for a
// week after its end, and that its sessions end with it.
func TestLife(t *testing.T) {
	b, table := book(t)
	plain, l, err := b.Add(t.Context(), 3, "agency", "ada", time.Hour, noon)
	if err != nil || !strings.HasPrefix(plain, Prefix) || len(plain) != len(Prefix)+43 || !l.Expires.Equal(noon.Add(time.Hour)) {
		t.Fatalf("%q %+v %v", plain, l, err)
	}
	stored, err := table.LinkOfID(t.Context(), l.ID)
	if err != nil || stored != l {
		t.Errorf("stored %+v, %v, want %+v", stored, err, l)
	}
	opened, session, until, err := b.Open(t.Context(), plain, noon.Add(time.Minute))
	if err != nil || opened.ID != l.ID || opened.Tenant != 3 || !until.Equal(l.Expires) {
		t.Errorf("%+v, until %v, %v", opened, until, err)
	}
	if list, err := b.List(t.Context(), 3); err != nil || len(list) != 1 || !list[0].LastUsed.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := b.Resume(t.Context(), session, noon.Add(59*time.Minute)); err != nil {
		t.Errorf("the session: %v", err)
	}
	for what, err := range map[string]error{
		"the link after its end":    func() error { _, _, _, err := b.Open(t.Context(), plain, noon.Add(time.Hour)); return err }(),
		"the session after its end": func() error { _, err := b.Resume(t.Context(), session, noon.Add(time.Hour)); return err }(),
		"the hash as a link":        func() error { _, _, _, err := b.Open(t.Context(), string(l.Hash[:]), noon); return err }(),
		"a link of another tenant":  b.Remove(t.Context(), 4, l.ID),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, _, err := b.Add(t.Context(), 3, "later", "ada", time.Hour, noon.Add(8*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list, err := b.List(t.Context(), 3); err != nil || len(list) != 1 || list[0].Name != "later" {
		t.Errorf("eight days later: %+v, %v", list, err)
	}
	if err := b.Remove(t.Context(), 3, l.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("remove a pruned link: %v", err)
	}
}

// TestBounds checks the bounds of names, lives and numbers.
func TestBounds(t *testing.T) {
	b, _ := book(t)
	for _, name := range []string{"", " a", "a\n", "a\x1b", strings.Repeat("x", 65), "\u202e"} {
		if _, _, err := b.Add(t.Context(), 1, name, "", time.Hour, noon); !errors.Is(err, ErrInput) {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	for _, life := range []time.Duration{0, time.Second, -time.Hour, 31 * 24 * time.Hour} {
		if _, _, err := b.Add(t.Context(), 1, "a", "", life, noon); !errors.Is(err, ErrInput) {
			t.Errorf("for %v: %v", life, err)
		}
	}
	for i := range MaxLinks + 1 {
		if _, _, err := b.Add(t.Context(), 1, "a", "", time.Hour, noon); errors.Is(err, ErrTooMany) != (i == MaxLinks) {
			t.Errorf("link %d: %v", i, err)
		}
	}
	if _, _, err := b.Add(t.Context(), 2, "a", "", time.Hour, noon); err != nil {
		t.Errorf("another tenant: %v", err)
	}
	if _, _, err := b.Add(t.Context(), 1, "a", "", time.Hour, noon.Add(time.Hour)); err != nil {
		t.Errorf("after the others' end: %v", err)
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Life":   TestLife,
		"Bounds": TestBounds,
	})
}
