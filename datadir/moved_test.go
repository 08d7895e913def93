package datadir

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"stile.example/stile/datadir/moved"
	"stile.example/stile/settings"
)

// TestMoved checks that a directory whose data was moved can't be used by mistake.
func TestMoved(t *testing.T) {
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(ctx, s, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Hold(t.TempDir()); !errors.Is(err, ErrNoData) {
		t.Errorf("a directory without data can be held: %v", err)
	}
	if _, err := Hold(s.Data); !errors.Is(err, ErrHeld) {
		t.Errorf("a directory that is open can be held: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	release, err := Hold(s.Data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, s, time.Now, log); !errors.Is(err, ErrHeld) {
		t.Errorf("a directory that is held can be opened: %v", err)
	}
	want := moved.Place{To: "postgres://db/stile", At: time.Now().UTC().Truncate(time.Second)}
	if err := errors.Join(moved.Mark(s.Data, want), release()); err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context, *settings.Settings, func() time.Time, *slog.Logger) (*Dir, error){
		"Open": Open, "OpenExisting": OpenExisting, "OpenCurrent": OpenCurrent,
	} {
		if _, err := open(ctx, s, time.Now, log); !errors.Is(err, moved.ErrMoved) || !strings.Contains(err.Error(), want.To) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d, err := OpenFiles(ctx, s, time.Now, log); err != nil || d.Close() != nil {
		t.Errorf("the files can't be checked: %v", err)
	}
	if m, isMoved, err := UseMoved(s.Data); err != nil || !isMoved || m != want {
		t.Errorf("%v %t %v", m, isMoved, err)
	}
	if d, err := Open(ctx, s, time.Now, log); err != nil || d.Close() != nil {
		t.Errorf("it can't be used again: %v", err)
	}
	if _, isMoved, err := UseMoved(s.Data); err != nil || isMoved {
		t.Errorf("again: %t %v", isMoved, err)
	}
}
