package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/content"
	"stile.example/stile/corpus"
	"stile.example/stile/refusals"
	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/storetest"
	"stile.example/stile/store/tables/refusallog"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// before is a data directory that commit fde9134 wrote, when store/sqlite contained the corpus. The
// process exited without closing the store, so the states of the tokens are only in the journal.
const before = "testdata/fde9134.tar.gz"

// beforeAt is the time by the clock of the process that wrote it.
var beforeAt = time.Unix(1_790_000_000, 0).UTC()

// TestDataOfTheFormerLayout: everything in a data directory of before is found. Its corpus has
// format 1. It is rebuilt when the server starts, and not by commands that only read the items.
func TestDataOfTheFormerLayout(t *testing.T) {
	dir := t.TempDir()
	storetest.Unpack(t, before, dir)
	s := openAt(t, dir)
	t.Run("tenants", func(t *testing.T) { checkTenants(t, s) })
	t.Run("tokens", func(t *testing.T) { checkTokens(t, s) })
	t.Run("addresses", func(t *testing.T) { checkAddresses(t, s) })
	t.Run("refusals", func(t *testing.T) { checkRefusal(t, s) })
	t.Run("usage", func(t *testing.T) { checkUsage(t, s) })
	t.Run("corpus", func(t *testing.T) { checkCorpus(t, s) })
	if err := s.RemoveTenant(t.Context(), "acme"); err != nil {
		t.Errorf("remove the tenant: %v", err)
	}
	if _, err := s.Item(t.Context(), 1, "own"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("an item of the removed tenant: %v", err)
	}
}

// TestUpgradeIsLogged: the log says that the corpus is rebuilt, and how long it took. An import
// rebuilds it too. An upgrade that is interrupted leaves the old generation.
func TestUpgradeIsLogged(t *testing.T) {
	for _, upgrade := range []func(s *Store){
		func(s *Store) {
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Upgrade(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("upgrade without time: %v", err)
			}
			if got, err := s.Stats(t.Context()); err != nil || got.Generation != 4 {
				t.Errorf("after the interruption: %+v, %v", got, err)
			}
			for range 2 { // the second time there is nothing to do
				if err := s.Upgrade(t.Context()); err != nil {
					t.Error(err)
				}
			}
		},
		func(s *Store) { put(t, s, 0, "new") },
	} {
		dir := t.TempDir()
		storetest.Unpack(t, before, dir)
		var log bytes.Buffer
		s, err := Open(t.Context(), "sqlite", dir, sqlite.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		upgrade(s)
		if got, err := s.Stats(t.Context()); err != nil || got.Generation != 5 {
			t.Errorf("after the upgrade: %+v, %v", got, err)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "corpus-*.db")); len(files) != 1 {
			t.Errorf("files: %v", files)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := log.String(); strings.Count(got, "has been built again") != 1 || !strings.Contains(got, "took=") {
			t.Errorf("log: %s", got)
		}
	}
}

func checkTenants(t *testing.T, s *Store) {
	want := []tenants.Tenant{{
		Number: 1, ClientID: "acme", Name: "Acme", Sites: []string{"https://www.acme.example"},
		Status: tenants.Active, CallsPerMonth: 1000, Policy: map[string]string{"policy.token.calls": "50"},
		Secrets: []tenants.Secret{{Hash: [32]byte{1, 2, 3}, Until: beforeAt}},
		Keys:    `{"keys":[]}`, CreatedAt: beforeAt, Prices: []tenants.Price{{Since: "2026-01-01", Micros: 5}},
	}}
	if got, err := s.Tenants(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func checkTokens(t *testing.T, s *Store) {
	seconds := uint32(beforeAt.Unix())
	first := tokens.State{
		Tenant: 1, Day: 20_717, IssuedAt: beforeAt.Unix(), Expires: beforeAt.Unix() + 3600,
		Calls: tokens.Window{Since: seconds, Count: 4}, Suggestions: tokens.Window{Since: seconds, Count: 5},
		Allowance: 60,
		OpenChallenge: tokens.Challenge{
			Expires: seconds + 60, Number: 7, Kind: tokens.Picture, Level: 2, Left: 3, Reloads: 1, For: tokens.ByTenant,
		},
		ChallengesIssued: 8, Serial: 9, Bound: tokens.Binding{Kind: tokens.ToAddress, Sum: [16]byte{15: 7}},
		AddressChecked: true, Roaming: tokens.Roaming{Since: seconds, Seen: [3]uint32{1, 2, 3}}, Hints: 10, Rendered: 2,
	}
	first.Used[0][tokens.Items] = tokens.Count{Calls: 11, Records: 12}
	first.Used[1][tokens.Item] = tokens.Count{Calls: 13, Records: 14}
	dead := tokens.State{
		Tenant: 1, Day: 20_717, IssuedAt: beforeAt.Unix(), Expires: beforeAt.Unix() + 3600, Dead: tokens.Hijacked,
	}
	for id, want := range map[byte]tokens.State{1: first, 2: dead} {
		var got tokens.State
		err := s.Update(t.Context(), tokens.ID{id}, func(s tokens.State) tokens.State { got = s; return s })
		if err != nil || got != want {
			t.Errorf("token %d: %+v, %v, want %+v", id, got, err, want)
		}
	}
}

func checkAddresses(t *testing.T, s *Store) {
	found := map[addresses.Scope]addresses.State{}
	err := s.EachAddress(t.Context(), func(a addresses.Scope, st addresses.State) { found[a] = st })
	want := map[addresses.Scope]addresses.State{
		addresses.OfAll(netip.MustParseAddr("198.51.100.9")): {Until: addresses.Forever, Step: 2, Bucket: 3},
	}
	if err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("%+v, %v, want %+v", found, err, want)
	}
	entries, err := s.Entries(t.Context())
	entry := addresses.Entry{
		Range: netip.MustParsePrefix("203.0.113.0/24"), Kind: addresses.Allow, Until: beforeAt, Reason: "a school", Bindings: 500,
	}
	if err != nil || len(entries) != 1 || entries[0] != entry {
		t.Errorf("%+v, %v, want %+v", entries, err, entry)
	}
}

func checkRefusal(t *testing.T, s *Store) {
	want := refusals.Refusal{
		Ref: "7QK2-M4TD", At: beforeAt, Tenant: "acme", Code: "rate_limited", Rule: "spike.calls", Limit: 10, Seen: 11,
		Identity: "token x", Address: "192.0.2.7", Observed: true, More: 3,
	}
	if got, err := refusallog.New(s.DB).Refusal(t.Context(), want.Ref); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// checkUsage: the first line is in the ledger, the others are in the journal.
func checkUsage(t *testing.T, s *Store) {
	want := []usage.Line{
		{Tenant: "acme", Day: "2024-10-04", Route: "items", Calls: 3, Records: 30},
		{Tenant: "acme", Day: "2026-09-21", Route: "items", Calls: 11, Records: 12},
		{Tenant: "acme", Day: "2026-09-22", Route: "item", Calls: 13, Records: 14},
	}
	if got, err := s.Usage(t.Context(), "", "", ""); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func checkCorpus(t *testing.T, s *Store) {
	if got, err := s.Stats(t.Context()); err != nil || got.Items != 22 || got.Generation != 4 {
		t.Errorf("stats: %+v, %v", got, err)
	}
	if _, err := s.Search(t.Context(), content.Query{Tenant: 1, Words: []string{"oak"}, Limit: 3}); !errors.Is(err, corpus.ErrOld) {
		t.Errorf("search in the old format: %v", err)
	}
	if err := s.Upgrade(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Stats(t.Context()); err != nil || got.Items != 22 || got.Generation != 5 {
		t.Errorf("after the upgrade: %+v, %v", got, err)
	}
	for words, total := range map[string]int{"oak": 21, "ECLAIR": 1, "タワー": 1, "gone": 0} {
		p, err := s.Search(t.Context(), content.Query{Tenant: 1, Words: []string{words}, Limit: 3})
		if err != nil || p.Total != total || len(p.Items) != min(3, total) {
			t.Errorf("%s: %d of %d items, %v, want %d", words, len(p.Items), p.Total, err, total)
		}
	}
	for item := range s.Export(t.Context(), content.Filter{Collection: "trees"}) {
		want := content.Item{
			ID: "oak-0", Collection: "trees", Title: "Oak number 0", Tags: []string{"tree"}, PublishedAt: beforeAt,
			Attributes: map[string]any{"height": 20.5},
		}
		if !reflect.DeepEqual(item, want) {
			t.Errorf("item: %+v, want %+v", item, want)
		}
		break
	}
	put(t, s, 0, "new")
	if got, err := s.Stats(t.Context()); err != nil || got.Items != 23 || got.Generation != 6 {
		t.Errorf("after an import: %+v, %v", got, err)
	}
}
