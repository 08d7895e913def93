// Package datadir opens a data directory: its lock, keys and database, and what is built on them.
//
// One process has a data directory open: the running server, or a command while no server runs.
// The operations work on the opened directory, and the server serves from it.
package datadir

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/admins"
	"stile.example/stile/audit"
	"stile.example/stile/datadir/access"
	"stile.example/stile/datadir/moved"
	"stile.example/stile/events/watch"
	"stile.example/stile/evidence"
	"stile.example/stile/history"
	"stile.example/stile/links"
	"stile.example/stile/nodes"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
	"stile.example/stile/statements"
	"stile.example/stile/store"
	"stile.example/stile/store/postgres/nodetable"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/accounts"
	"stile.example/stile/store/tables/auditlog"
	"stile.example/stile/store/tables/evidencelog"
	"stile.example/stile/store/tables/historytable"
	"stile.example/stile/store/tables/linklist"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/store/tables/statementlog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/bearer"
	"stile.example/stile/tokens/issuers"
	"stile.example/stile/tokens/listing"
	"stile.example/stile/tokens/signing"
	"stile.example/stile/usage"
	"stile.example/stile/webhooks"
)

// MaxLifetime is the longest lifetime that any token may have.
const MaxLifetime = 24 * time.Hour

// Dir is an open data directory. Its methods may be called concurrently, except UseOrigin, which
// must be called once before Signer and Verifier are used.
type Dir struct {
	Now func() time.Time
	Log *slog.Logger

	Store     *store.Store
	Keys      *signing.Keys
	Tenants   *tenants.Directory
	Meter     *usage.Meter
	Addresses *addresses.Registry
	Gate      *tokens.Gate
	Refusals  *refusals.Recorder
	Audit     *audit.Log
	Webhooks  *webhooks.Outbox
	Watch     *watch.Watcher
	Evidence  *evidence.Collector
	TokenList listing.Store
	Admins    *admins.Directory

	Statements *statements.Book
	History    *history.Recorder
	Links      *links.Book

	Signer       *bearer.Signer
	Verifier     *bearer.Verifier
	ExternalKeys []*issuers.KeyCache // the keys of external issuers

	// Introspection has the client of each issuer, by its name, that introspects opaque tokens.
	Introspection map[string]*issuers.IntrospectionClient

	addresses *addressShower

	changes sync.Map // a channel of one for each name; see Serialise

	// Nodes is this process as one of several nodes that share a database; nil: they don't.
	Nodes     *nodes.Node
	nodeTable nodetable.Table
	sealed    nodetable.Sealed
	box       *signing.Box
	blocks    *blockFeed

	quotasFail atomic.Bool
	updating   sync.Mutex   // held by UpdateAddressPolicy: the last update is for the latest corpus
	policyFor  atomic.Int64 // the generation of the corpus that the policy of addresses is for

	held       *lock
	inspecting sync.Mutex // held by Inspect
	set        atomic.Pointer[settings.Settings]
}

// opening says what opening a data directory may create.
type opening struct {
	create  bool // the directory, the database, and keys if there are no tenants
	newKeys bool // missing keys, even if there are tenants
	current bool // nothing, and don't migrate the database either
	locked  bool // nothing: only lock the directory
}

// Open locks and opens the data directory that s names, and creates what is missing in it. But it
// returns an error if a file is missing that others in the directory depend on. It returns
// [ErrHeld] if another process has the directory open.
func Open(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (*Dir, error) {
	return open(ctx, s, now, log, opening{create: true})
}

// OpenExisting is [Open] for looking: it creates no directory, no database and no keys. If they are
// missing, it returns [ErrNoData].
func OpenExisting(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (*Dir, error) {
	return open(ctx, s, now, log, opening{})
}

// OpenCurrent is [OpenExisting], but it does not migrate a database either. If an older version
// wrote the database, it returns [ErrOld]: that version could not open it afterwards.
func OpenCurrent(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (*Dir, error) {
	return open(ctx, s, now, log, opening{current: true})
}

func open(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger, how opening) (*Dir, error) {
	if !how.create && !s.Postgres() && !HasData(s.Data) {
		return nil, noData(s.Data)
	}
	held, s, err := hold(s, how)
	if err != nil {
		return nil, err
	}
	d := &Dir{Now: now, Log: log, held: held}
	d.set.Store(s)
	if how.locked {
		return d, nil
	}
	if err := d.open(ctx, s, how); err != nil {
		return nil, errors.Join(explainDamage(s, err), held.release())
	}
	return d, nil
}

// hold locks the directory that s names, and returns s. A command that only looks at the database
// of nodes, from where no node is, gets a temporary directory for its copies, and settings that
// name it.
func hold(s *settings.Settings, how opening) (*lock, *settings.Settings, error) {
	if !how.create && s.Postgres() && !HasData(s.Data) && !exists(filepath.Join(s.Data, lockFile)) {
		held, dir, err := takeTemporary()
		if err != nil {
			return nil, nil, err
		}
		elsewhere := *s
		elsewhere.Data = dir
		return held, &elsewhere, nil
	}
	// The directory of a node has only copies, so that its files may always be created.
	held, err := takeLock(s.Data, how.create || s.Postgres())
	return held, s, err
}

func (d *Dir) open(ctx context.Context, s *settings.Settings, how opening) (err error) {
	openStore := d.openOwn
	if s.Postgres() {
		openStore = d.openShared
	}
	if err := openStore(ctx, s, how); err != nil {
		return errors.Join(err, d.closeStore())
	}
	if err := d.openParts(ctx, s, how); err != nil {
		return errors.Join(err, d.closeStore())
	}
	if d.Nodes == nil {
		return nil
	}
	if err := d.startNode(ctx); err != nil {
		return errors.Join(err, d.closeStore())
	}
	return nil
}

// openOwn opens the database and the keys in the data directory.
func (d *Dir) openOwn(ctx context.Context, s *settings.Settings, how opening) (err error) {
	if err := moved.Check(s.Data); err != nil {
		return err
	}
	if err := checkDatabase(ctx, s.Data, how.create); err != nil {
		return err
	}
	if how.current {
		if err := checkCurrent(ctx, s.Data); err != nil {
			return err
		}
	}
	hasKeys := exists(KeyFile(s.Data))
	if hasKeys { // before the database: damaged keys must not let an upgrade of the database begin
		if err := d.openKeys(ctx, s, how); err != nil {
			return err
		}
	}
	if d.Store, err = store.Open(ctx, s.Store.Word(), s.Data, sqlite.Options{Log: d.Log, Now: d.Now, WaitForDisk: s.StoreSync}); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	if hasKeys {
		return nil
	}
	return d.openKeys(ctx, s, how)
}

// openParts opens what is built on the database and the keys.
func (d *Dir) openParts(ctx context.Context, s *settings.Settings, how opening) (err error) {
	if d.Tenants, err = tenants.Open(ctx, d.Store, d.Keys.SecretKey()); err != nil {
		return err
	}
	if d.Audit, err = audit.NewLog(auditlog.Table{DB: d.Store.DB}, d.Keys.SecretKey()); err != nil {
		return err
	}
	if d.Admins, err = admins.NewDirectory(accounts.Table{DB: d.Store.DB}, d.Keys.SecretKey()); err != nil {
		return err
	}
	if err := d.checkKeys(ctx, s, how); err != nil {
		return err
	}
	if d.addresses, err = newAddressShower(s.LogAddresses, d.Keys.SecretKey()); err != nil {
		return err
	}
	if d.Meter, err = usage.OpenMeter(ctx, d.Store, d.TenantNumber, d.Now()); err != nil {
		return err
	}
	if d.Addresses, err = addresses.OpenRegistry(ctx, d.Store, s.Addresses()); err != nil {
		return err
	}
	if err := d.UpdateAddressPolicy(ctx); err != nil {
		return err
	}
	d.Gate = &tokens.Gate{Store: d.Store, Addresses: addressChecker{registry: d.Addresses}}
	if sh := d.Store.Shared; sh != nil {
		d.Gate.Store = sh.States
		d.Meter.UseBlocks(sh.States, d.Now)
	}
	d.Refusals = refusals.NewRecorder(refusallog.New(d.Store.DB), d.Log)
	d.History = history.NewRecorder(historytable.Table{DB: d.Store.DB}, d.Log)
	d.TokenList = d.Store.TokenList()
	if d.Evidence, err = evidence.NewCollector(evidencelog.Table{DB: d.Store.DB}, d.Keys.SecretKey(), d.Log); err != nil {
		return err
	}
	d.Evidence.WatchCalls(d.callsOfMonth, d.Now())
	if d.Links, err = links.NewBook(linklist.Table{DB: d.Store.DB}, d.Keys.SecretKey()); err != nil {
		return err
	}
	if err := d.openStatements(); err != nil {
		return err
	}
	return d.openWebhooks(s)
}

// openStatements opens the book of statements. Its key is derived from the key of secrets: it needs
// no file, is in every backup, and stays the same when the keys that sign tokens are rotated.
func (d *Dir) openStatements() error {
	seed, err := hkdf.Key(sha256.New, d.Keys.SecretKey(), nil, "stile: key of statements, 1", statements.SeedSize)
	if err != nil {
		return fmt.Errorf("key of statements: %w", err)
	}
	key, err := statements.NewKey(seed)
	if err != nil {
		return err
	}
	d.Statements = &statements.Book{Store: statementlog.Table{DB: d.Store.DB}, Key: key}
	return nil
}

// Created returns the absolute path of the directory if [Open] created it, or "".
func (d *Dir) Created() string {
	if !d.held.created {
		return ""
	}
	return absolute(d.Settings().Data)
}

// absolute returns a path that does not depend on the working directory, if it is known.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// UseOrigin sets the origin under which tokens are signed and verified. It does nothing for a
// directory that was opened by [OpenFiles].
func (d *Dir) UseOrigin(origin string) (err error) {
	if d.Store == nil {
		return nil
	}
	d.Signer = &bearer.Signer{Keys: d.Keys, Issuer: origin, Audience: origin}
	if sh := d.Store.Shared; sh != nil {
		d.Signer.After = sh.States.NotBefore
	}
	if d.Verifier, err = bearer.NewVerifier(d.Keys, origin, origin, MaxLifetime); err != nil {
		return err
	}
	return d.trustIssuers()
}

// TenantNumber returns the number of the tenant of a client_id.
func (d *Dir) TenantNumber(clientID string) (uint32, bool) {
	t, ok := d.Tenants.Find(clientID)
	if !ok {
		return 0, false
	}
	return t.Number, true
}

// callsOfMonth returns the calls of each tenant in the month of now that this process has counted.
func (d *Dir) callsOfMonth(now time.Time) map[uint32]int64 {
	calls := map[uint32]int64{}
	for _, t := range d.Tenants.List() {
		calls[t.Number] = d.Meter.Counted(t.Number, now)
	}
	return calls
}

// TenantName returns the client_id of the tenant of a number, "" if there is none.
func (d *Dir) TenantName(number uint32) string {
	if number == 0 {
		return ""
	}
	if t, ok := d.Tenants.ByNumber(number); ok {
		return t.ClientID
	}
	return ""
}

// Settings returns the settings in use.
func (d *Dir) Settings() *settings.Settings { return d.set.Load() }

// PolicyOf returns the policy of a tenant: the server's, with the tenant's own settings. A setting
// of the tenant that is no longer allowed is logged and ignored.
func (d *Dir) PolicyOf(t *tenants.Tenant) settings.Policy {
	p, err := d.Settings().For(t)
	if err != nil {
		d.Log.Warn("a tenant's setting is no longer allowed; the server's own is used", "tenant", t.ClientID, "err", err)
	}
	return p
}

// Reload adopts those of the new settings that may change while a server runs.
func (d *Dir) Reload(next *settings.Settings) {
	d.set.Store(d.Settings().Reload(next))
	if d.Nodes != nil {
		if err := d.shareSettings(); err != nil {
			d.Log.Error("other nodes don't know the new settings of this one", "err", err)
		}
	}
	if err := d.UpdateAddressPolicy(context.Background()); err != nil {
		d.Log.Error("can't update the policy of addresses; the old one stays", "err", err)
	}
}

// UpdateAddressPolicy sets the policy of the address registry, which depends on the settings and
// on the size of the corpus. It must be called whenever either has changed.
func (d *Dir) UpdateAddressPolicy(ctx context.Context) error {
	d.updating.Lock()
	defer d.updating.Unlock()
	corpus, err := d.Store.Stats(ctx)
	if err != nil {
		return err
	}
	d.Addresses.SetPolicy(d.Settings().Addresses().For(corpus.Items))
	d.policyFor.Store(corpus.Generation)
	return nil
}

// Close closes the database and releases the lock. A node informs the others of its end.
func (d *Dir) Close() (err error) {
	if err = d.closeStore(); err != nil {
		err = fmt.Errorf("close the database: %w", err)
	}
	return errors.Join(err, access.GiveBack(d.Settings().Data), d.held.release())
}

// closeStore closes what is open of the database.
func (d *Dir) closeStore() (err error) {
	err = d.leave()
	if d.Store != nil {
		err = errors.Join(err, d.Store.Close())
	}
	return err
}
