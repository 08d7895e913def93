package commands

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/challenge"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/issuers"
	"stile.example/stile/usage"
)

// maxLifetime is the longest lifetime that any token may have.
const maxLifetime = 24 * time.Hour

// app is an open data directory: what operations work on. The process that
// opened it holds the directory's lock.
type app struct {
	now      func() time.Time
	log      *slog.Logger
	set      atomic.Pointer[settings.Settings]
	policies *policies

	db       *store.Store
	keys     *bearer.Keys
	tenants  *tenants.Directory
	meter    *usage.Meter
	book     *addresses.Registry
	gate     *tokens.Gate
	signer   *bearer.Signer
	verifier *bearer.Verifier
	rings    []*issuers.KeyCache // the keys of outside issuers

	challenges *challenge.Maker
	refusals   *refusals.Recorder
	shown      *addressShower
}

// openApp opens the data directory that s names, and makes what is missing.
func openApp(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (_ *app, err error) {
	a := &app{now: now, log: log}
	a.set.Store(s)
	a.policies = newPolicies(s, log)
	if a.keys, err = bearer.OpenKeys(filepath.Join(s.Data, "keys.json"), now()); err != nil {
		return nil, fmt.Errorf("open the keys: %w", err)
	}
	if a.db, err = store.Open(ctx, s.Store, s.Data, sqlite.Options{Log: log, Now: now}); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.db.Close())
		}
	}()
	if a.tenants, err = tenants.Open(ctx, a.db, a.keys.SecretKey()); err != nil {
		return nil, err
	}
	if a.meter, err = usage.OpenMeter(ctx, a.db, a.number, now()); err != nil {
		return nil, err
	}
	if a.book, err = addresses.OpenRegistry(ctx, a.db, s.Addresses()); err != nil {
		return nil, err
	}
	if err := a.updateAddressPolicy(ctx); err != nil {
		return nil, err
	}
	a.gate = &tokens.Gate{Store: a.db, Addresses: addressChecker{book: a.book}}
	if a.challenges, err = challenge.NewMaker(a.keys.SecretKey()); err != nil {
		return nil, err
	}
	a.refusals = refusals.NewRecorder(a.db, log)
	a.shown, err = newAddressShower(s.LogAddresses, a.keys.SecretKey())
	return a, err
}

// useOrigin says under which origin tokens are signed and verified.
func (a *app) useOrigin(origin string) (err error) {
	a.signer = &bearer.Signer{Keys: a.keys, Issuer: origin, Audience: origin}
	if a.verifier, err = bearer.NewVerifier(a.keys, origin, origin, maxLifetime); err != nil {
		return err
	}
	return a.trustIssuers()
}

func (a *app) number(clientID string) (uint32, bool) {
	t, ok := a.tenants.Find(clientID)
	if !ok {
		return 0, false
	}
	return t.Number, true
}

func (a *app) settings() *settings.Settings { return a.set.Load() }

// reload takes over what may change while a server runs.
func (a *app) reload(fresh *settings.Settings) {
	next := a.settings().Reload(fresh)
	a.set.Store(next)
	a.policies.use(next)
	if err := a.updateAddressPolicy(context.Background()); err != nil {
		a.log.Error("the addresses' policy is as before", "err", err)
	}
}

// updateAddressPolicy tells the address book its policy, which depends on how large the
// corpus is. It is called whenever either has changed.
func (a *app) updateAddressPolicy(ctx context.Context) error {
	corpus, err := a.db.Stats(ctx)
	if err != nil {
		return err
	}
	a.book.SetPolicy(a.settings().Addresses().For(corpus.Items))
	return nil
}

func (a *app) close() error {
	if err := a.db.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// errorLog is where net/http writes.
func (a *app) errorLog() *log.Logger { return slog.NewLogLogger(a.log.Handler(), slog.LevelDebug) }

// logger writes the log as the settings say, on standard error.
func (p *program) logger(s *settings.Settings) *slog.Logger {
	opt := &slog.HandlerOptions{Level: s.Log.Level}
	if s.Log.JSON {
		return slog.New(slog.NewJSONHandler(p.err, opt))
	}
	return slog.New(slog.NewTextHandler(p.err, opt))
}
