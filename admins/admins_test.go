package admins_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/accounts"
)

var start = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

const password = "a long way round"

type directory struct {
	*admins.Directory
	t   *testing.T
	dir string
	db  newdb.DB
}

func open(t *testing.T) directory {
	t.Helper()
	place := newdb.Place(t)
	db := newdb.OpenAt(t, place, time.Now)
	d, err := admins.NewDirectory(accounts.Table{DB: db}, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return directory{d, t, filepath.Dir(place), db}
}

func (d directory) add(name string, role admins.Role) admins.Admin {
	d.t.Helper()
	a, _, err := d.Add(d.t.Context(), name, role, start)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// TestNames checks which names are possible, and that case does not distinguish them.
func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"alice": true, "a": true, "a.b-c_d@e+f": true, "4711": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "-a": false, ".a": false, "a b": false, "a/b": false, "ä": false, "a\n": false, "=cmd": false,
	} {
		if err := admins.CheckName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	d := open(t)
	a := d.add("Alice", admins.Viewer)
	if _, _, err := d.Add(t.Context(), "aLICE", admins.Viewer, start); !errors.Is(err, admins.ErrExists) {
		t.Errorf("another case: %v", err)
	}
	if found, err := d.Find(t.Context(), "alice"); err != nil || !reflect.DeepEqual(found, a) {
		t.Errorf("%+v, added %+v, %v", found, a, err)
	}
}

// TestRole checks the order of the roles.
func TestRole(t *testing.T) {
	all := []admins.Role{"", admins.Viewer, admins.Operator, admins.Owner}
	for i, a := range all {
		for j, b := range all {
			if got := a.Includes(b); got != (j > 0 && i >= j) {
				t.Errorf("%q includes %q: %t", a, b, got)
			}
			if i > 0 && j > 0 && a.AtMost(b) != all[min(i, j)] {
				t.Errorf("%s at most %s: %s", a, b, a.AtMost(b))
			}
		}
	}
	if admins.Role("root").Includes(admins.Viewer) || admins.Owner.Includes("root") {
		t.Error("an unknown role is included")
	}
	if _, err := admins.ParseRole("root"); err == nil {
		t.Error("an unknown role is parsed")
	}
}

// TestLastOwner checks that there is always an owner, also if several are removed at the same time.
func TestLastOwner(t *testing.T) {
	d := open(t)
	var all []admins.Admin
	for i := range 8 {
		all = append(all, d.add(fmt.Sprint("owner", i), admins.Owner))
	}
	d.add("viewer", admins.Viewer)
	var wg sync.WaitGroup
	for i, a := range all {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				err = d.Remove(t.Context(), a.Number)
			} else {
				_, err = d.SetRole(t.Context(), a.Number, admins.Viewer)
			}
			if err != nil && !errors.Is(err, admins.ErrLastOwner) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	left, err := d.List(t.Context())
	owners := 0
	for _, a := range left {
		if a.Role == admins.Owner {
			owners++
		}
	}
	if err != nil || owners != 1 {
		t.Errorf("%d owners, %v", owners, err)
	}
}

// TestFirstOwner checks that an owner is added only if there is none, under a free name.
func TestFirstOwner(t *testing.T) {
	d := open(t)
	d.add("owner", admins.Viewer)
	name, once, err := d.FirstOwner(t.Context(), start)
	if err != nil || name != "owner2" {
		t.Fatal(name, err)
	}
	if a, err := d.CheckPassword(t.Context(), name, once); err != nil || !a.MustChange || a.Role != admins.Owner {
		t.Errorf("%+v %v", a, err)
	}
	if name, _, err := d.FirstOwner(t.Context(), start); name != "" || err != nil {
		t.Errorf("again: %q %v", name, err)
	}
}

// TestFromIssuer checks that an account belongs to one subject of one issuer, has no password, and
// follows its claim, except the last owner.
func TestFromIssuer(t *testing.T) {
	d := open(t)
	d.add("alice", admins.Viewer)
	from := func(issuer, subject, name string, role admins.Role) (admins.Admin, error) {
		return d.FromIssuer(t.Context(), issuer, subject, name, role, start)
	}
	if _, err := from("https://id.example", "1", "alice", admins.Owner); !errors.Is(err, admins.ErrExists) {
		t.Errorf("a name that is taken: %v", err)
	}
	a, err := from("https://id.example", "1", "olga", admins.Owner)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from("https://id.example", "1", "olga", admins.Viewer); !errors.Is(err, admins.ErrLastOwner) {
		t.Errorf("the last owner: %v", err)
	}
	d.add("bob", admins.Owner)
	if b, err := from("https://id.example", "1", "renamed", admins.Viewer); err != nil || b.Number != a.Number || b.Role != admins.Viewer || b.Name != "olga" {
		t.Errorf("%+v %v", b, err)
	}
	if _, err := from("https://other.example", "1", "olga", admins.Viewer); !errors.Is(err, admins.ErrExists) {
		t.Errorf("another issuer: %v", err)
	}
	if _, err := d.CheckPassword(t.Context(), "olga", ""); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("an empty password: %v", err)
	}
	if err := d.SetPassword(t.Context(), a.Number, password); !errors.Is(err, admins.ErrIssuer) {
		t.Errorf("a password: %v", err)
	}
	if _, err := d.SetRole(t.Context(), a.Number, admins.Owner); !errors.Is(err, admins.ErrIssuer) {
		t.Errorf("a role: %v", err)
	}
}

// TestLimits checks the maximum numbers, and that a session too many ends the oldest one.
func TestLimits(t *testing.T) {
	d := open(t)
	a := d.add("alice", admins.Viewer)
	for i := range admins.MaxTokens + 1 {
		if _, _, err := d.AddToken(t.Context(), a, "x", admins.Viewer, time.Hour, start); errors.Is(err, admins.ErrTooMany) != (i == admins.MaxTokens) {
			t.Fatalf("token %d: %v", i, err)
		}
	}
	var first string
	for i := range admins.MaxSessions + 1 {
		_, cookie, err := d.SignIn(t.Context(), a, "password", "192.0.2.1", strings.Repeat("ä", 300), start)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = cookie
		}
	}
	if all, err := d.Sessions(t.Context(), a.Number, start); err != nil || len(all) != admins.MaxSessions || len(all[0].Browser) > 200 {
		t.Errorf("%d sessions, %v", len(all), err)
	}
	if _, _, err := d.CheckSession(t.Context(), first, start, true); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("the oldest session: %v", err)
	}
	for i := range admins.MaxPasskeys + 1 {
		if _, err := d.AddPasskey(t.Context(), admins.Passkey{Admin: a.Number, Name: "x", Credential: []byte{byte(i)}}, start); errors.Is(err, admins.ErrTooMany) != (i == admins.MaxPasskeys) {
			t.Fatalf("passkey %d: %v", i, err)
		}
	}
	for _, lifetime := range []time.Duration{0, -time.Hour, 367 * 24 * time.Hour} {
		if _, _, err := d.AddToken(t.Context(), a, "x", admins.Viewer, lifetime, start); err == nil {
			t.Errorf("a token for %v", lifetime)
		}
	}
	for _, label := range []string{"", " x", "x ", "a\x1b[31m", strings.Repeat("x", 65), "\xff"} {
		if admins.CheckLabel(label) == nil {
			t.Errorf("a label %q", label)
		}
	}
}

// TestOthers checks that what belongs to one account can't be removed as another's, and that it is
// removed with its account.
func TestOthers(t *testing.T) {
	d := open(t)
	a, b := d.add("alice", admins.Viewer), d.add("bob", admins.Owner)
	k, plain, err := d.AddToken(t.Context(), a, "x", admins.Viewer, time.Hour, start)
	if err != nil {
		t.Fatal(err)
	}
	s, cookie, err := d.SignIn(t.Context(), a, "password", "192.0.2.1", "", start)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.AddPasskey(t.Context(), admins.Passkey{Admin: a.Number, Name: "x", Credential: []byte("x"), Record: []byte(`{}`), Host: "localhost"}, start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AddPasskey(t.Context(), admins.Passkey{Admin: b.Number, Name: "x", Credential: []byte("x")}, start); !errors.Is(err, admins.ErrExists) {
		t.Errorf("the same passkey twice: %v", err)
	}
	for what, err := range map[string]error{"token": d.RemoveToken(t.Context(), b.Number, k.ID), "session": d.EndSession(t.Context(), b.Number, s.ID), "passkey": d.RemovePasskey(t.Context(), b.Number, p.ID)} {
		if !errors.Is(err, admins.ErrNotFound) {
			t.Errorf("the %s of another: %v", what, err)
		}
	}
	if keys, err := d.Passkeys(t.Context(), a.Number); err != nil || len(keys) != 1 || !reflect.DeepEqual(keys[0], p) {
		t.Errorf("%+v, added %+v, %v", keys, p, err)
	}
	if err := d.UsePasskey(t.Context(), p.ID, []byte(`{"n":1}`), start.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if err := d.Remove(t.Context(), a.Number); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.CheckToken(t.Context(), plain, start); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("the token of a removed admin: %v", err)
	}
	if _, _, err := d.CheckSession(t.Context(), cookie, start, true); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("the session of a removed admin: %v", err)
	}
	if _, _, err := d.AddToken(t.Context(), a, "x", admins.Viewer, time.Hour, start); !errors.Is(err, admins.ErrNotFound) {
		t.Errorf("a token for a removed admin: %v", err)
	}
	if c := d.add("carol", admins.Viewer); c.Number <= b.Number {
		t.Errorf("the number %d is used again", c.Number)
	}
}

// TestS11_Stored reads the database: passwords are argon2id hashes with 19 MiB, 2 passes and 1
// thread, and no password, token or cookie is in it.
func TestS11_Stored(t *testing.T) {
	d := open(t)
	a, once, err := d.Add(t.Context(), "alice", admins.Owner, start)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetPassword(t.Context(), a.Number, password); err != nil {
		t.Fatal(err)
	}
	_, token, err := d.AddToken(t.Context(), a, "x", admins.Owner, time.Hour, start)
	if err != nil {
		t.Fatal(err)
	}
	_, cookie, err := d.SignIn(t.Context(), a, "password", "192.0.2.1", "", start)
	if err != nil {
		t.Fatal(err)
	}
	if stored, err := d.Find(t.Context(), "alice"); err != nil || !strings.HasPrefix(stored.Password, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("%s %v", stored.Password, err)
	}
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(d.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(text, []byte("$argon2id$"))
		for what, secret := range map[string]string{"one-time password": once, "password": password, "token": token, "token without its prefix": token[len(admins.TokenPrefix):], "cookie": cookie} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s contains the %s", file, what)
			}
		}
	}
	if !found {
		t.Error("no file has the hash")
	}
}

// TestPasswords checks that a password is compared exactly, and that one-time passwords differ.
func TestPasswords(t *testing.T) {
	d := open(t)
	a := d.add("alice", admins.Viewer)
	if err := d.SetPassword(t.Context(), a.Number, "Ünï cödé pässwörd"); err != nil {
		t.Fatal(err)
	}
	for password, ok := range map[string]bool{"Ünï cödé pässwörd": true, "ünï cödé pässwörd": false, "Ünï cödé pässwörd ": false, "": false, strings.Repeat("x", 1<<16): false} {
		if _, err := d.CheckPassword(t.Context(), "alice", password); (err == nil) != ok || !ok && !errors.Is(err, admins.ErrNotFound) {
			t.Errorf("%.20q: %v", password, err)
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		p := admins.NewPassword()
		if seen[p] || len(p) != 23 || admins.CheckPassword("owner", p) != nil {
			t.Errorf("%s", p)
		}
		seen[p] = true
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Names":      TestNames,
		"Role":       TestRole,
		"LastOwner":  TestLastOwner,
		"FirstOwner": TestFirstOwner,
		"FromIssuer": TestFromIssuer,
		"Limits":     TestLimits,
		"Others":     TestOthers,
	})
}
