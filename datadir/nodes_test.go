package datadir

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/signing"
)

// site is where nodes of a test share a database.
type site struct {
	t        *testing.T
	postgres string
	key      string // a file
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, postgres: engines.Postgres(t), key: filepath.Join(t.TempDir(), "key")}
	s.setKeys(strings.Repeat("0a", 32))
	return s
}

func (s *site) setKeys(keys ...string) {
	s.t.Helper()
	if err := os.WriteFile(s.key, []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) settings(name string, more ...string) *settings.Settings {
	s.t.Helper()
	env := append([]string{"STILE_STORE=" + s.postgres, "STILE_STORE_KEY_FILE=" + s.key, "STILE_DATA=" + s.t.TempDir(), "STILE_NODE=" + name}, more...)
	set, err := settings.Load(settings.Source{Env: env})
	if err != nil {
		s.t.Fatal(err)
	}
	return set
}

// node opens a node, and closes it when the test ends.
func (s *site) node(name string, more ...string) *Dir {
	s.t.Helper()
	d, err := Open(s.t.Context(), s.settings(name, more...), time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.UseOrigin("https://api.example"); err != nil {
		s.t.Fatal(err)
	}
	stop := d.Serve(s.t.Context(), name+":8080")
	s.t.Cleanup(func() {
		stop()
		if err := d.Close(); err != nil {
			s.t.Error(err)
		}
	})
	within(s.t, "the database says that "+name+" is a server", func() bool { return s.serves(d) })
	return d
}

// serves reports whether the database says that a node is a server. It says so soon after Serve.
func (s *site) serves(d *Dir) bool {
	s.t.Helper()
	list, err := d.Nodes.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(r nodes.Row) bool { return r.Number == d.Nodes.Number() && r.Serves() })
}

// TestNodesSeeChanges checks that what one node changes becomes known on another. Package e2e
// measures that it takes at most a second.
func TestNodesSeeChanges(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	ctx := t.Context()
	if !a.Keys.New() || b.Keys.New() || !slices.Equal(a.Keys.SecretKey(), b.Keys.SecretKey()) {
		t.Error("the first node must create the keys, and the other use them")
	}
	_, err := a.Tenants.Add(ctx, tenants.Tenant{ClientID: "acme", Name: "Acme", Status: tenants.Active, CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "a tenant", func() bool { _, ok := b.Tenants.Find("acme"); return ok })
	from := netip.MustParseAddr("203.0.113.9")
	if err := b.Addresses.Put(ctx, addresses.Entry{Range: netip.PrefixFrom(from, 32), Kind: addresses.Block}); err != nil {
		t.Fatal(err)
	}
	within(t, "a block by hand", func() bool { _, blocked := a.Addresses.BlockedByOperator(from, time.Now()); return blocked })
	scope := addresses.OfTenant(netip.MustParseAddr("198.51.100.1"), 1)
	until := time.Now().Add(time.Hour).Unix()
	a.blocks.note(scope, until)
	within(t, "a block by a rule", func() bool {
		at, blocked := b.Addresses.BlockedByRule(scope.Range.Addr(), 1, time.Now())
		return blocked && at == until
	})
	a.blocks.note(scope, 0)
	within(t, "the end of that block", func() bool {
		_, blocked := b.Addresses.BlockedByRule(scope.Range.Addr(), 1, time.Now())
		return !blocked
	})
}

// TestEachNodeHasEvidenceOfItsCalls checks that `stile doctor` on one node knows the calls of
// another, whichever does the upkeep.
func TestEachNodeHasEvidenceOfItsCalls(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	ctx, now := t.Context(), time.Now()
	if _, err := a.Tenants.Add(ctx, tenants.Tenant{ClientID: "acme", Name: "Acme", Status: tenants.Active, CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	within(t, "a tenant", func() bool { _, ok := b.Tenants.Find("acme"); return ok })
	n, _ := a.Tenants.Find("acme")
	for _, d := range []*Dir{a, b, b} {
		d.Meter.Reserve(n.Number, 0, now)
		d.Meter.Use(n.Number, now)
	}
	if err := b.Evidence.Flush(ctx, now); err != nil { // every few seconds
		t.Fatal(err)
	}
	if known, err := a.Evidence.Traffic(ctx, now); err != nil || known[n.Number].Calls != 3 {
		t.Errorf("%+v, %v: want 3 calls", known[n.Number], err)
	}
}

// TestNodesRotateKeys checks that a new key signs only once all nodes know it, and that all nodes
// use it then.
func TestNodesRotateKeys(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	old := b.Keys.Set().Signing().KID()
	k, err := a.RotateKey(t.Context(), signing.ES256)
	if err != nil {
		t.Fatal(err)
	}
	if a.Keys.Set().Signing().KID() != k.KID || k.KID == old {
		t.Error("the new key does not sign")
	}
	if b.Keys.Set().Find(k.KID, time.Now()) == nil {
		t.Error("another node does not know the key that signs now")
	}
	within(t, "the key signs on another node", func() bool { return b.Keys.Set().Signing().KID() == k.KID })
	if b.Keys.Set().Find(old, time.Now()) == nil {
		t.Error("the old key does not verify any more")
	}
	c := s.node("c")
	if c.Keys.Set().Signing().KID() != k.KID {
		t.Error("a node that starts later uses another key")
	}
}

// TestOtherStoreKey checks that keys in the database can't be used with another key file, and that
// the key file can be changed.
func TestOtherStoreKey(t *testing.T) {
	s := newSite(t)
	a := s.node("a")
	one, two := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	s.setKeys(two)
	_, err := Open(t.Context(), s.settings("b"), time.Now, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "store_key_file") || strings.Contains(err.Error(), two) {
		t.Fatalf("with another key: %v", err)
	}
	s.setKeys(two, one)
	b := s.node("b")
	for _, want := range []int{1, 0} {
		if n, key, err := b.Reencrypt(t.Context()); n != want || key != b.box.Fingerprint() || err != nil {
			t.Errorf("encrypted %d again with %s: %v", n, key, err)
		}
	}
	s.setKeys(two)
	c := s.node("c")
	if !slices.Equal(a.Keys.SecretKey(), c.Keys.SecretKey()) {
		t.Error("the keys differ")
	}
}

// rowsOf returns the rows of nodes once all say what settings they have.
func (s *site) rowsOf(d *Dir, count int) []nodes.Row {
	s.t.Helper()
	for range 600 {
		list, err := d.Nodes.List(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if len(list) == count && !slices.ContainsFunc(list, func(r nodes.Row) bool { return len(r.Settings) == 0 || !r.Serves() }) {
			return list
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("%d nodes do not say what settings they have", count)
	return nil
}

// TestStoreKeyIsNoDifference checks that while the key that encrypts the database is changed, no
// setting of the nodes differs, and one that differs is found.
func TestStoreKeyIsNoDifference(t *testing.T) {
	s := newSite(t)
	one, two := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	s.node("a")
	s.setKeys(two, one)
	b := s.node("b")
	if found := nodes.Differences(b.Nodes.Settings(), s.rowsOf(b, 2)); len(found) != 0 {
		t.Errorf("with another first key, these differ: %+v", found)
	}
	p, err := Peek(t.Context(), s.settings("c", "STILE_POLICY_TOKEN_CALLS=77"), time.Now)
	if err != nil || len(p.Differences) != 1 || p.Differences[0].Setting != "policy.token.calls" || len(p.Differences[0].Nodes) != 2 {
		t.Errorf("%+v, %v", p.Differences, err)
	}
}

// TestNodesTakeTurns checks that changes of one noun wait for each other on all nodes, and that a
// name is new once.
func TestNodesTakeTurns(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	_, release, err := a.Serialise(t.Context(), "tenant")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		_, release, err := b.Serialise(t.Context(), "tenant")
		if err == nil {
			release()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("two nodes change at the same time: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	release()
	if err := <-got; err != nil {
		t.Error(err)
	}
	first, _, err1 := a.Once(t.Context(), "x", time.Minute)
	second, _, err2 := b.Once(t.Context(), "x", time.Minute)
	if !first || second || errors.Join(err1, err2) != nil {
		t.Errorf("%v, %v, %v, %v", first, second, err1, err2)
	}
	list, err := a.Nodes.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "a" || !list[1].Live() {
		t.Errorf("%+v, %v", list, err)
	}
	if d := nodes.Differences(a.Nodes.Settings(), list); len(d) != 0 {
		t.Errorf("settings differ: %+v", d)
	}
}

// TestReloadedSettingsDiffer checks that other nodes know the settings that a node has read again.
func TestReloadedSettingsDiffer(t *testing.T) {
	s := newSite(t)
	a, b := s.node("a"), s.node("b")
	differing := func() []nodes.Difference {
		found, err := b.Nodes.Differences(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	changed := s.settings("a", "STILE_POLICY_TOKEN_CALLS=77")
	a.Reload(changed)
	within(t, "another setting on a", func() bool {
		found := differing()
		return len(found) == 1 && found[0].Setting == "policy.token.calls"
	})
	b.Reload(changed)
	within(t, "the same setting on both", func() bool { return len(differing()) == 0 })
}
