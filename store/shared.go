package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/corpus/library"
	"stile.example/stile/corpus/replica"
	"stile.example/stile/corpus/replica/buckets"
	"stile.example/stile/store/breaker"
	"stile.example/stile/store/postgres"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/tables/corpustable"
	"stile.example/stile/store/tables/tokenlist"
	"stile.example/stile/store/valkey"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
)

// Places says where nodes store what they share. URLs may contain passwords.
type Places struct {
	Postgres string
	// States is the URL of Valkey or Redis, whose password may be given apart; "": states are in
	// PostgreSQL.
	States, StateUser, StatePassword string
	Bucket                           string // URL, for the corpus; "": it is in PostgreSQL
	Data                             string // the data directory, for this node's copy of the corpus

	// Statement is how long one statement of PostgreSQL may take; 0 means 30 s.
	Statement time.Duration
	// Created is run in the transaction that makes the first tables of a new database; nil: nothing
	// is.
	Created func(ctx context.Context, tx *sql.Tx) error

	Log *slog.Logger
	Now func() time.Time
}

// Shared is what a store has if several nodes share it.
type Shared struct {
	Postgres *postgres.DB
	States   *states.Store
	Valkey   *valkey.Engine   // nil: states are in PostgreSQL
	Findings []valkey.Finding // about how it is configured; none is fatal
	Requests *breaker.Breaker // counts the requests to the engine of states
	Bucket   *buckets.Chunks  // nil: the corpus is in PostgreSQL
	Replica  *replica.Replica

	guard *states.Guard
	owned states.Owned
	owner states.Owner // what it must be
	log   *slog.Logger
}

// Member is this process as one of several nodes.
type Member struct {
	Number uint32 // that no other node has
	// Installation is the id that the installation gets if it has none, "" for a random one.
	Installation string
	// Instead says how to continue with another engine of states than the last one; "": this process
	// may use it.
	Instead string
	Leases  replica.Leases
	Leave   func() // is called if the store can't be opened
}

// OpenShared opens what nodes share. join registers this process as a node, before it changes
// anything, and returns an error if the rest must not be opened: nothing is changed then.
func OpenShared(ctx context.Context, p Places, join func(*postgres.DB) (Member, error)) (_ *Store, err error) {
	db, err := postgres.Open(ctx, p.Postgres, postgres.Options{Log: p.Log, Now: p.Now, Statement: p.Statement, Created: p.Created})
	if err != nil {
		return nil, err
	}
	sh := &Shared{Postgres: db, log: p.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, sh.close())
		}
	}()
	m, err := join(db)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.Leave()
		}
	}()
	if err := sh.openStates(ctx, p, m); err != nil {
		return nil, err
	}
	r, err := sh.replica(p, m.Leases)
	if err != nil {
		return nil, err
	}
	sh.Replica = r
	l, err := library.Open(ctx, p.Data, db, library.Options{Now: p.Now, Log: p.Log, Replica: r})
	if err != nil {
		return nil, err
	}
	return &Store{DB: sharedDB{db, sh.States}, Library: l, Shared: sh}, nil
}

// openStates opens the engine of states. An engine that may lose what it must not is refused.
func (sh *Shared) openStates(ctx context.Context, p Places, m Member) (err error) {
	var engine states.Engine
	report := breaker.NewReport("state", p.Log)
	if p.States == "" {
		engine, err = values.Open(ctx, p.Postgres, p.Now, p.Log)
	} else {
		engine, err = sh.openValkey(ctx, p, report)
	}
	if err != nil {
		return err
	}
	if err := sh.claim(ctx, engine, m, p.Now); err != nil {
		return errors.Join(err, engine.Close())
	}
	o := breaker.Options{Name: "state", Report: report}
	if sh.Valkey != nil {
		o.Trip = -1 // it has breakers of its own, for parts of a Cluster
	}
	sh.Requests = breaker.New(o)
	sh.guard = states.NewGuard(engine, sh.Requests)
	sh.States, err = states.Open(ctx, sh.guard, values.Sink{DB: sh.Postgres},
		states.Options{Log: p.Log, Now: p.Now, Node: m.Number, NeverForgets: sh.Valkey == nil})
	if err != nil {
		return errors.Join(err, engine.Close())
	}
	return nil
}

// ValkeyOptions returns how to connect to Valkey or Redis.
func (p Places) ValkeyOptions() valkey.Options {
	o := valkey.Options{URL: p.States, Log: p.Log}
	if p.StatePassword != "" {
		o.User, o.Password = p.StateUser, p.StatePassword
	}
	return o
}

func (sh *Shared) openValkey(ctx context.Context, p Places, report *breaker.Report) (states.Engine, error) {
	o := p.ValkeyOptions()
	o.Report = report
	e, err := valkey.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open the engine of states: %w", err)
	}
	found, err := e.Check(ctx)
	if err == nil {
		err = valkey.Fatal(found)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the engine of states can't be used: %w", err), e.Close())
	}
	sh.Valkey, sh.Findings = e, found
	return e, nil
}

func (sh *Shared) replica(p Places, leases replica.Leases) (*replica.Replica, error) {
	o := replica.Options{Catalog: corpustable.Catalog{DB: sh.Postgres}, Chunks: corpustable.Chunks{DB: sh.Postgres, Now: p.Now}, Leases: leases, Now: p.Now, Log: p.Log}
	if p.Bucket != "" {
		cfg, err := buckets.Parse(p.Bucket)
		if err != nil {
			return nil, fmt.Errorf("corpus_store: %w", err)
		}
		if sh.Bucket, err = buckets.Open(cfg); err != nil {
			return nil, fmt.Errorf("corpus_store: %w", err)
		}
		o.Chunks = sh.Bucket
	}
	return replica.New(o), nil
}

// close transfers what waits, and closes the engines.
func (sh *Shared) close() (err error) {
	if sh.States != nil {
		err = sh.States.Close()
	}
	return errors.Join(err, sh.Postgres.Close())
}

// sharedDB is PostgreSQL with the states of an engine.
type sharedDB struct {
	*postgres.DB
	states *states.Store
}

var _ DB = sharedDB{}

// Update implements [tokens.Store].
func (db sharedDB) Update(ctx context.Context, id tokens.ID, fn func(tokens.State) tokens.State) error {
	return db.states.Update(ctx, id, fn)
}

// Peek implements [tokens.Store].
func (db sharedDB) Peek(id tokens.ID) (tokens.State, bool) { return db.states.Peek(id) }

// UpdateAddress implements [addresses.Store].
func (db sharedDB) UpdateAddress(ctx context.Context, s addresses.Scope, fn func(addresses.State) addresses.State) error {
	return db.states.UpdateAddress(ctx, s, fn)
}

// EachAddress implements [addresses.Store].
func (db sharedDB) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	return db.states.EachAddress(ctx, fn)
}

// EachState implements [DB]: all counts are in the ledger.
func (db sharedDB) EachState(context.Context, *sql.Tx, func(tokens.ID, tokens.State)) error {
	return nil
}

// Sweep implements [DB].
func (db sharedDB) Sweep(ctx context.Context, now time.Time) error { return db.states.Sweep(ctx, now) }

// Live implements [DB]: it counts the tokens that this node knows.
func (db sharedDB) Live() int { return db.states.Live() }

// TokenList implements [DB]. It transfers what this node has changed before a list is read.
func (db sharedDB) TokenList() listing.Store { return tokenlist.Table{DB: settled{db}} }

type settled struct{ sharedDB }

// Settle implements [tokenlist.DB].
func (s settled) Settle(ctx context.Context) (bool, error) { return true, s.states.Settle(ctx) }

// Close implements [DB].
func (db sharedDB) Close() error { return errors.Join(db.states.Close(), db.DB.Close()) }
