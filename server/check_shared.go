package server

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"stile.example/stile/corpus/replica/buckets"
	"stile.example/stile/datadir"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

// checkShared checks what nodes share: PostgreSQL, the key of its keys, Valkey or Redis, the
// bucket, the clocks, and that all nodes have the same settings. It migrates nothing, and leaves
// nothing that it creates.
func checkShared(ctx context.Context, s *settings.Settings, now func() time.Time, add report) {
	found := checkPostgres(ctx, s, now, add)
	checkStates(ctx, s, now, found, add)
	if s.CorpusStore.Word() == "" {
		checkBucket(ctx, s, add)
	}
}

// checkPostgres returns nil if the database can't be read.
func checkPostgres(ctx context.Context, s *settings.Settings, now func() time.Time, add report) *datadir.Peeked {
	p, err := datadir.Peek(ctx, s, now)
	if p.Unverified {
		add("store", Warning, "%s: others on the network can read and change what is sent to PostgreSQL, passwords of admins and hashes of secrets too: "+
			"add sslmode=verify-full to the URL, and sslrootcert=FILE unless a public authority signed the certificate", s.Store)
	}
	if err != nil {
		add("store", Wrong, "%s: %s", s.Store, oneLine(err))
		return nil
	}
	switch {
	case p.Incomplete != nil:
		add("store", Wrong, "%s: %v", s.Store, p.Incomplete)
	case p.IsNew:
		add("store", OK, "%s: PostgreSQL %s; it has no data yet, and the first start creates it", s.Store, p.Version)
	case p.IsOld:
		add("store", Warning, "%s: PostgreSQL %s; an older version of stile wrote the data, and the next start or command migrates it: make a backup first", s.Store, p.Version)
	default:
		add("store", OK, "%s: PostgreSQL %s can be read and written", s.Store, p.Version)
	}
	checkClockOf("PostgreSQL", p.Clock, add)
	switch {
	case p.KeyProblem != nil:
		add("keys", Wrong, "%s", oneLine(p.KeyProblem))
	case p.HasKeys:
		add("keys", OK, "the keys in PostgreSQL can be decrypted")
	}
	for _, d := range byNodes(p.Differences) {
		add("nodes", Warning, "settings differ from those of %s, and all nodes need the same: %s", d.nodes, strings.Join(d.settings, ", "))
	}
	if len(p.SameNames) > 0 {
		add("nodes", Warning, "several live nodes are called %s: give each its own name with the setting node", strings.Join(p.SameNames, ", "))
	}
	if len(p.Live) > 0 && len(p.Differences) == 0 {
		add("nodes", OK, "%d live: %s", len(p.Live), strings.Join(p.Live, ", "))
	}
	return &p
}

// differing is the settings in which the same nodes differ.
type differing struct {
	nodes    string
	settings []string
}

// byNodes returns differences with one line for the same nodes: a node with the wrong file differs
// in most settings from all others.
func byNodes(all []nodes.Difference) (found []differing) {
	for _, d := range all {
		names := strings.Join(d.Nodes, ", ")
		i := slices.IndexFunc(found, func(f differing) bool { return f.nodes == names })
		if i < 0 {
			i, found = len(found), append(found, differing{nodes: names})
		}
		found[i].settings = append(found[i].settings, d.Setting)
	}
	return found
}

// checkClockOf checks how much a clock of an engine differs from this machine's.
func checkClockOf(name string, ahead time.Duration, add report) {
	switch d := ahead.Abs(); {
	case d > datadir.MaxClock:
		add("store clock", Wrong, "the clock of %s is %.1f s ahead of this machine's; a node does not start if it is more than %s: set both by NTP", name, ahead.Seconds(), datadir.MaxClock)
	case d > datadir.WarnClock:
		add("store clock", Warning, "the clock of %s is %.1f s ahead of this machine's: set both by NTP", name, ahead.Seconds())
	default:
		add("store clock", OK, "the clock of %s differs by %d ms", name, ahead.Milliseconds())
	}
}

func checkStates(ctx context.Context, s *settings.Settings, now func() time.Time, database *datadir.Peeked, add report) {
	if s.State.Word() != "" {
		checkOwner(database, values.Owner, add)
		return
	}
	p := store.Places{States: s.State.Reveal(), StateUser: s.StateUser(), Log: slog.New(slog.DiscardHandler), Now: now}
	var err error
	if p.StatePassword, err = s.StatePassword(); err != nil {
		add("state", Wrong, "%v", err)
		return
	}
	found, err := valkey.Examine(ctx, p.ValkeyOptions())
	if err != nil {
		add("state", Wrong, "%s", oneLine(err)) // it has the place
		return
	}
	for _, f := range found {
		state := Warning
		if f.Fatal {
			state = Wrong
		}
		add("state", state, "%s", f)
	}
	if len(found) == 0 {
		add("state", OK, "%s: version and configuration are right", s.State)
	}
	owner, err := valkey.OwnerAt(ctx, p.ValkeyOptions())
	if err != nil {
		add("state", Wrong, "%s", oneLine(err))
		return
	}
	checkOwner(database, owner, add)
}

// checkOwner checks that the engine of states is the one of this installation and its live nodes.
func checkOwner(database *datadir.Peeked, found states.Owner, add report) {
	if database == nil { // it could not be read, which is reported
		return
	}
	_, changed, err := states.Choose(database.Engine, found, database.Live)
	switch {
	case err != nil:
		add("state", Wrong, "%s", oneLine(err))
	case changed:
		add("state", Warning, "another engine had the states, or it has lost its memory: with the next start of a server, tokens issued until then expire, and widgets get new ones")
	}
}

func checkBucket(ctx context.Context, s *settings.Settings, add report) {
	cfg, err := buckets.Parse(s.CorpusStore.Reveal())
	if err != nil {
		add("corpus_store", Wrong, "%v", err)
		return
	}
	c, err := buckets.Open(cfg)
	if err == nil {
		err = c.Probe(ctx)
	}
	if err != nil {
		add("corpus_store", Wrong, "%s", oneLine(err)) // it has the place
		return
	}
	add("corpus_store", OK, "%s can be read and written", s.CorpusStore)
}

// secretsInURLs returns the files of secrets that the URLs of engines name.
func secretsInURLs(s *settings.Settings) (files []string) {
	if t, err := valkey.Parse(s.State.Reveal()); err == nil {
		files = append(files, t.SentinelPasswordFile)
	}
	if c, err := buckets.Parse(s.CorpusStore.Reveal()); err == nil {
		files = append(files, c.Credentials)
	}
	return files
}
