package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/sqlite"
)

// NewKeys creates keys where they are missing, although the database may have tenants. It logs what
// that costs. In an empty directory it does nothing, because [Open] creates the keys there.
func NewKeys(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) error {
	if file := KeyFile(s.Data); exists(file) && !s.Postgres() {
		return fmt.Errorf("%s exists, so no new keys are needed: start without --new-keys. To replace the keys, move the file away first: %s", file, newKeysCost)
	}
	if !s.Postgres() && !HasData(s.Data) {
		return nil
	}
	d, err := open(ctx, s, now, log, opening{newKeys: true})
	if err != nil {
		return err
	}
	live, err := d.LiveTokens(ctx)
	total := 0
	for _, n := range live {
		total += n
	}
	log.Warn("new keys were created: live tokens and tenants' secrets are invalid; give each tenant a new secret with `stile tenant rotate-secret`",
		"tenants", len(d.Tenants.List()), "live_tokens", total)
	return errors.Join(err, d.Close())
}

// NewCorpus makes the database name an empty corpus, if the corpus that it names can't be read. It
// keeps a damaged file under another name.
func NewCorpus(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (err error) {
	if s.Postgres() {
		return errors.New("--new-corpus is for a store that is sqlite: if the corpus in PostgreSQL or the bucket is lost, a node that has a copy stores it again")
	}
	d, err := OpenExisting(ctx, s, now, log)
	if err == nil {
		return errors.Join(errors.New("the corpus can be read, so no new one is needed: start without --new-corpus"), d.Close())
	}
	if !errors.Is(err, store.ErrCorpus) {
		return err
	}
	held, err := takeLock(s.Data, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	db, err := sqlite.Open(ctx, store.File(s.Data), sqlite.Options{Log: log, Now: now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n, err := db.Generation(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(s.Data, fmt.Sprintf("corpus-%d.db", n))
	if exists(file) {
		if err := os.Rename(file, file+".damaged"); err != nil {
			return err
		}
	}
	log.Warn("the corpus is empty now; import it again", "unreadable", file)
	return db.SetGeneration(ctx, 0)
}

// LiveTokens returns how many tokens of each tenant, by its number, can still be used. Tokens
// without a call are unknown to the server and not in it.
func (d *Dir) LiveTokens(ctx context.Context) (map[uint32]int, error) {
	return d.TokenList.LiveTokens(ctx, d.Now())
}
