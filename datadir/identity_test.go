package datadir

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/datadir/access"
	"stile.example/stile/settings"
	"stile.example/stile/store"
	"stile.example/stile/tenants"
)

func load(t *testing.T, dir, url string) *settings.Settings {
	t.Helper()
	s, err := settings.Load(settings.Source{Flags: map[string]string{"data": dir, "public_url": url}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var quiet = slog.New(slog.DiscardHandler)

// filled returns a data directory with a tenant and a corpus.
func filled(t *testing.T) (*settings.Settings, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := load(t, dir, "https://api.example")
	d := mustOpen(t, s)
	_, secret := tenants.NewSecret(d.Keys.SecretKey())
	_, err := d.Tenants.Add(t.Context(), tenants.Tenant{ClientID: "acme", Secrets: []tenants.Secret{secret}, CreatedAt: d.Now()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Store.Import(t.Context(), imports.Options{}, func(yield func(content.Item, error) bool) {
		yield(content.Item{ID: "a", Title: "A"}, nil)
	})
	if err = errors.Join(err, d.ServeURL(t.Context()), d.Close()); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func mustOpen(t *testing.T, s *settings.Settings) *Dir {
	t.Helper()
	d, err := Open(t.Context(), s, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// files returns the names and the contents of a directory's files, without SQLite's own and the
// lock.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "stile.") {
			all[e.Name()] = ""
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

// TestMissingFiles removes or damages each file of a data directory, as a partial restore does. The
// directory can't be opened then, nothing is lost by trying, and the error says how to continue.
func TestMissingFiles(t *testing.T) {
	for _, c := range []struct {
		name string
		harm func(dir string) error
		want []string
	}{
		{"no keys", func(dir string) error { return os.Remove(KeyFile(dir)) },
			[]string{"keys.json is missing, but the database has tenants (1)", "from a backup", "`stile serve --new-keys`", "secrets are then invalid"}},
		{"empty keys", func(dir string) error { return os.Truncate(KeyFile(dir), 0) }, []string{"keys.json: is empty", "from a backup", "--new-keys"}},
		{"half of the keys", func(dir string) error { return os.Truncate(KeyFile(dir), 100) }, []string{"keys.json: is not a file of keys, or damaged", "--new-keys"}},
		{"a JWK Set", func(dir string) error { return os.WriteFile(KeyFile(dir), []byte(`{"keys":[{"kty":"OKP"}]}`), 0o600) },
			[]string{"keys.json: is not a file of keys", "--new-keys"}},
		{"another server's keys", func(dir string) error { return exchangeKeys(t, dir) },
			[]string{"keys.json belongs to another database than ", "from the same backup", "--new-keys"}},
		{"no database", func(dir string) error { return os.Remove(store.File(dir)) },
			[]string{"stile.db is missing, but corpus-1.db, keys.json are in the same directory", "from a backup", "move them away"}},
		{"an empty database", func(dir string) error { return os.Truncate(store.File(dir), 0) }, []string{"stile.db is empty", "from a backup"}},
		{"not a database", func(dir string) error {
			return os.WriteFile(store.File(dir), bytes.Repeat([]byte("not a database. "), 1000), 0o600)
		}, []string{"stile.db: file is not a database. Restore all files from the same backup", "move them away", "tenants, usage and the address list are then lost"}},
		{"half of the database", func(dir string) error { return os.Truncate(store.File(dir), 16<<10) },
			[]string{"stile.db: ", "malformed. Restore all files from the same backup", "move them away"}},
		{"keys alone", func(dir string) error {
			return errors.Join(os.Remove(store.File(dir)), os.Remove(filepath.Join(dir, "corpus-1.db")))
		}, []string{"stile.db is missing, but keys.json is in the same directory", "move it away"}},
		{"no corpus", func(dir string) error { return os.Remove(filepath.Join(dir, "corpus-1.db")) },
			[]string{"corpus-1.db: can't read the corpus", "from a backup", "--new-corpus"}},
		{"another corpus", func(dir string) error {
			return os.Rename(filepath.Join(dir, "corpus-1.db"), filepath.Join(dir, "corpus-7.db"))
		}, []string{"corpus-1.db: can't read the corpus", "from a backup"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := filled(t)
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			before := files(t, dir)
			for _, open := range []func() (*Dir, error){
				func() (*Dir, error) { return Open(t.Context(), s, time.Now, quiet) },
				func() (*Dir, error) { return OpenExisting(t.Context(), s, time.Now, quiet) },
			} {
				d, err := open()
				if err == nil {
					t.Fatal(d.Close(), "it can be opened")
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("no %q in: %v", want, err)
					}
				}
			}
			after := files(t, dir)
			for name, text := range before {
				if got, ok := after[name]; !ok || got != text {
					t.Errorf("%s is gone or changed", name)
				}
			}
			if _, created := after["keys.json"]; created && before["keys.json"] == "" && c.name == "no keys" {
				t.Error("keys were created")
			}
		})
	}
}

func exchangeKeys(t *testing.T, dir string) error {
	_, other := filled(t)
	text, err := os.ReadFile(KeyFile(other))
	return errors.Join(err, os.WriteFile(KeyFile(dir), text, 0o600))
}

// TestNewKeys checks that new keys are created only where they are missing, that they are accepted
// from then on, and that the log says what they cost.
func TestNewKeys(t *testing.T) {
	s, dir := filled(t)
	if err := NewKeys(t.Context(), s, time.Now, quiet); err == nil || !strings.Contains(err.Error(), "keys.json exists") {
		t.Errorf("with keys: %v", err)
	}
	if err := os.Remove(KeyFile(dir)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := NewKeys(t.Context(), s, time.Now, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "tenants=1 live_tokens=0") {
		t.Errorf("the log: %s", &log)
	}
	d := mustOpen(t, s)
	if _, ok := d.Tenants.Find("acme"); !ok || d.Store.Items(0) != 1 {
		t.Error("the tenant or its items are gone")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	empty := load(t, filepath.Join(t.TempDir(), "none"), "")
	if err := NewKeys(t.Context(), empty, time.Now, quiet); err != nil || exists(empty.Data) {
		t.Errorf("in an empty directory: %v", err)
	}
}

// TestNewCorpus checks that a corpus that can't be read is replaced by an empty one on demand only,
// and that the damaged file is kept.
func TestNewCorpus(t *testing.T) {
	s, dir := filled(t)
	if err := NewCorpus(t.Context(), s, time.Now, quiet); err == nil || !strings.Contains(err.Error(), "the corpus can be read") {
		t.Errorf("with a corpus: %v", err)
	}
	file := filepath.Join(dir, "corpus-1.db")
	if err := os.WriteFile(file, []byte("no database, but longer than a header, 0123456789 0123456789 0123456789 0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := NewCorpus(t.Context(), s, time.Now, quiet); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, s)
	if d.Store.Items(0) != 0 || len(d.Tenants.List()) != 1 || !exists(file+".damaged") {
		t.Errorf("%d items, %d tenants, %v", d.Store.Items(0), len(d.Tenants.List()), files(t, dir))
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestFirstStart checks that a first start that was killed at any point can be repeated, and that
// the keys of an older version are accepted.
func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := load(t, dir, "")
	if err := mustOpen(t, s).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(KeyFile(dir)); err != nil { // killed after the database was created
		t.Fatal(err)
	}
	if _, err := OpenExisting(t.Context(), s, time.Now, quiet); err == nil || !strings.Contains(err.Error(), "keys.json is missing; the server creates it") {
		t.Errorf("looking: %v", err)
	}
	d := mustOpen(t, s)
	// An older version has not stored which keys belong to the database.
	if err := errors.Join(d.Store.SetIdentity(t.Context(), secretKeyName, ""), d.Close()); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, s).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(KeyFile(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(store.File(dir), 0); err != nil { // killed earlier
		t.Fatal(err)
	}
	if err := mustOpen(t, s).Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLooking checks that looking creates nothing.
func TestLooking(t *testing.T) {
	empty := t.TempDir()
	missing := filepath.Join(empty, "missing")
	for dir, want := range map[string]string{missing: "no data directory at " + missing + ": start the server", empty: "no data in the directory " + empty + ": start the server"} {
		_, err := OpenExisting(t.Context(), load(t, dir, ""), time.Now, quiet)
		if !errors.Is(err, ErrNoData) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if left := files(t, empty); len(left) != 0 {
		t.Errorf("it created %v", left)
	}
}

// TestOtherIdentity checks the warnings about a directory that was served under another URL, and
// about a file of keys that is older than the database.
func TestOtherIdentity(t *testing.T) {
	s, dir := filled(t)
	old, err := os.ReadFile(KeyFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, s)
	if _, err := d.RotateKey(t.Context(), "EdDSA"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Close(), os.WriteFile(KeyFile(dir), old, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url  string
		want []string
	}{
		{"https://other.example", []string{"before=https://api.example public_url=https://other.example", "the key that signed last is not in the file of keys"}},
		{"https://other.example", nil},
		{"", nil},
	} {
		var log bytes.Buffer
		d, err := Open(t.Context(), load(t, dir, c.url), time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.ServeURL(t.Context()), d.Close()); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(log.String(), w) {
				t.Errorf("no %q in %s", w, &log)
			}
		}
		if c.want == nil && log.Len() > 0 {
			t.Errorf("%s: %s", c.url, &log)
		}
	}
}

// TestExposures checks that files that other users can read, and files of other users, are reported
// with the command that helps.
func TestExposures(t *testing.T) {
	_, dir := filled(t)
	if found, err := access.Exposures(dir, "stile check"); err != nil || len(found) != 0 {
		t.Errorf("as created: %v %v", found, err)
	}
	if found, err := access.Exposures(dir+"/none", "stile check"); err != nil || len(found) != 0 {
		t.Errorf("no directory: %v %v", found, err)
	}
	backup := filepath.Join(dir, "b.tar")
	if err := errors.Join(os.WriteFile(backup, nil, 0o600), os.Chmod(backup, 0o644), os.Chmod(KeyFile(dir), 0o640)); err != nil {
		t.Fatal(err)
	}
	check := func(open bool, want ...string) {
		t.Helper()
		found, err := access.Exposures(dir, "stile check")
		var got []string
		for _, e := range found {
			got = append(got, e.String())
			if e.File != dir && e.Open != open {
				t.Errorf("%+v, want open %v", e, open)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v\n got %q\nwant %q", err, got, want)
		}
	}
	b := backup + " is open to other users (mode 0644): chmod 600 " + backup
	k := KeyFile(dir) + " is open to other users (mode 0640): chmod 600 " + KeyFile(dir)
	check(false, b, k)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	check(true, dir+" is open to other users (mode 0755): chmod 700 "+dir, b, k)
	if os.Geteuid() != 0 {
		return
	}
	if err := errors.Join(os.Chmod(dir, 0o700), os.Chmod(backup, 0o600), os.Chmod(KeyFile(dir), 0o600), os.Chown(KeyFile(dir), 4711, 4711)); err != nil {
		t.Fatal(err)
	}
	check(false, KeyFile(dir)+" belongs to the user 4711, but the directory to root: chown root "+KeyFile(dir))
}

// TestGiveBack checks that what root creates in a directory of another user belongs to that user,
// and that links in it are left alone.
func TestGiveBack(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	s, dir := filled(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(os.WriteFile(outside, nil, 0o600), os.Link(outside, filepath.Join(dir, "hard")), os.Symlink(outside, filepath.Join(dir, "soft")), os.Chown(dir, 4711, 4712)); err != nil {
		t.Fatal(err)
	}
	d := mustOpen(t, s)
	if _, err := d.RotateKey(t.Context(), "EdDSA"); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	owner := func(file string) int {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return access.OwnerOf(info)
	}
	if owner(KeyFile(dir)) != 4711 || owner(store.File(dir)) != 4711 || owner(outside) != 0 {
		t.Errorf("keys %d, database %d, outside %d", owner(KeyFile(dir)), owner(store.File(dir)), owner(outside))
	}
	found, err := access.Exposures(dir, "stile check")
	// Root needs no advice about the directory: its owner gets what root creates.
	if err != nil || len(found) != 1 || found[0].File != filepath.Join(dir, "hard") {
		t.Errorf("%v %v", found, err)
	}
	if id, at := access.Owner(filepath.Join(dir, "x", "y")); id != 4711 || at != dir {
		t.Errorf("owner %d of %s", id, at)
	}
}
