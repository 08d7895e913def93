package server

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/postgres/values"
	"stile.example/stile/store/states"
)

// TestCheckPostgres checks what `stile check` says about a database that nodes can't use, and that
// what to do about it is in the line.
func TestCheckPostgres(t *testing.T) {
	url := engines.Postgres(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(url string) *settings.Settings {
		t.Helper()
		s, err := settings.Load(settings.Source{Env: []string{"STILE_STORE=" + url, "STILE_STORE_KEY_FILE=" + key, "STILE_DATA=" + t.TempDir()}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	check := func(name, url string, state State, wants string) {
		t.Helper()
		var lines []string
		found := false
		checkPostgres(t.Context(), load(url), time.Now, func(check string, s State, format string, args ...any) {
			text := fmt.Sprintf(format, args...)
			found = found || s == state && strings.Contains(check+": "+text, wants)
			lines = append(lines, check+" "+string(s)+": "+text)
		})
		all := strings.Join(lines, "\n")
		if !found || strings.Contains(all, "elderflower") || strings.Contains(all, "blackthorn") {
			t.Errorf("%s: want %q in\n%s", name, wants, all)
		}
	}
	exec(`DROP ROLE IF EXISTS guest_of_check`) // of an earlier run: roles belong to the whole server
	exec(`CREATE ROLE guest_of_check LOGIN PASSWORD 'blackthorn'`)
	guest := strings.Replace(url, "stile:elderflower", "guest_of_check:blackthorn", 1)
	check("no rights", guest, Wrong, "make it the owner of the database")
	check("a wrong password", strings.Replace(url, "elderflower", "blackthorn", 1), Wrong, "the password is wrong")
	check("no database", url[:strings.LastIndex(url, "/")]+"/missing?sslmode=disable", Wrong, "create it with CREATE DATABASE")
	check("no server", "postgres://stile:blackthorn@127.0.0.1:1/stile", Wrong, "check the host and the port")
	check("not verified", "postgres://stile:blackthorn@db.invalid/stile", Warning, "sslmode=verify-full")
	check("a missing certificate", url+"&sslrootcert=/missing/ca.pem", Wrong, "/missing/ca.pem")
	check("a new database", url, OK, "it has no data yet")
	exec(`CREATE TABLE orders (id bigint)`)
	check("another program's", url, Wrong, "create a database for stile alone")
	exec(`DROP TABLE orders`)

	d, err := datadir.Open(t.Context(), load(url), time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	check("ready", url, OK, "can be read and written")
	check("keys", url, OK, "keys: the keys in PostgreSQL can be decrypted")
	check("no rights to the tables", guest, Wrong, "make it the owner of the database")
	exec(`INSERT INTO identity (name, value) VALUES ('move', '{}')`)
	check("a move that is not complete", url, Wrong, "repeat `stile move`")
	exec(`DELETE FROM identity WHERE name = 'move'`)
	if err := os.WriteFile(key, []byte(strings.Repeat("0b", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	check("another key", url, Wrong, "store_key_file")
	exec(`INSERT INTO migrations (name) VALUES ('9999_future.sql')`)
	check("a newer database", url, Wrong, "use the newer program")
	exec(`DELETE FROM migrations WHERE name >= '0004'`)
	check("an older database", url, Warning, "make a backup first")
}

// TestCheckClockOf checks what `stile check` says about a clock: it is wrong exactly if a node does
// not start.
func TestCheckClockOf(t *testing.T) {
	for ahead, wants := range map[time.Duration]string{
		0: "ok: the clock of PostgreSQL differs by 0 ms", -datadir.WarnClock: "ok: ", datadir.WarnClock: "ok: ",
		datadir.WarnClock + time.Millisecond: "warning: the clock of PostgreSQL is 2.0 s ahead", -datadir.MaxClock: "warning: the clock of PostgreSQL is -5.0 s ahead",
		datadir.MaxClock: "warning: ", datadir.MaxClock + time.Millisecond: "wrong: ", -datadir.MaxClock - time.Millisecond: "wrong: ",
		-5 * time.Minute: "wrong: the clock of PostgreSQL is -300.0 s ahead of this machine's; a node does not start if it is more than 5s: set both by NTP",
	} {
		var got string
		checkClockOf("PostgreSQL", ahead, func(_ string, s State, format string, args ...any) {
			got += string(s) + ": " + fmt.Sprintf(format, args...)
		})
		if !strings.HasPrefix(got, wants) {
			t.Errorf("%s ahead: %q, want %q", ahead, got, wants)
		}
	}
}

// TestCheckOwner checks that `stile check` says whose engine of states a node may not use.
func TestCheckOwner(t *testing.T) {
	mine, live := states.Owner{Installation: "mine", Memory: "1"}, []string{"node1"}
	for _, c := range []struct {
		database *datadir.Peeked
		found    states.Owner
		wants    string
	}{
		{nil, states.Owner{Installation: "other", Memory: "1"}, ""},
		{&datadir.Peeked{}, states.Owner{}, ""},
		{&datadir.Peeked{Engine: mine, Live: live}, mine, ""},
		{&datadir.Peeked{Engine: mine}, states.Owner{Installation: "other", Memory: "1"}, "wrong: the engine of states belongs to another installation"},
		{&datadir.Peeked{}, states.Owner{Installation: "other", Memory: "1"}, "wrong: the engine of states belongs to another installation"},
		{&datadir.Peeked{Engine: mine, Live: live}, states.Owner{}, "wrong: this is not the engine of states that the installation uses: live nodes use another one (node1)"},
		{&datadir.Peeked{Engine: mine, Live: live}, values.Owner, "wrong: this is not the engine"},
		{&datadir.Peeked{Engine: mine}, values.Owner, "warning: another engine had the states"},
	} {
		var got string
		checkOwner(c.database, c.found, func(_ string, s State, format string, args ...any) {
			got += string(s) + ": " + fmt.Sprintf(format, args...)
		})
		if c.wants == "" && got != "" || !strings.HasPrefix(got, c.wants) {
			t.Errorf("%+v, %+v: %q, want %q", c.database, c.found, got, c.wants)
		}
	}
}

// TestSecretsInURLs checks that `stile check` names files of secrets in the URLs of engines that
// other users can read.
func TestSecretsInURLs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"sentinels", "bucket"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o604); err != nil {
			t.Fatal(err)
		}
	}
	s, err := settings.Load(settings.Source{Env: []string{"STILE_STORE=postgres://db/stile", "STILE_STORE_KEY_FILE=" + filepath.Join(dir, "key"), "STILE_DATA=" + dir,
		"STILE_STATE=valkey://a?sentinel=m&sentinel_password_file=" + filepath.Join(dir, "sentinels"), "STILE_CORPUS_STORE=s3://b?credentials=" + filepath.Join(dir, "bucket")}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	checkSecrets(s, func(_ string, _ State, format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	for _, name := range []string{"sentinels", "bucket"} {
		if !strings.Contains(strings.Join(said, "\n"), filepath.Join(dir, name)) {
			t.Errorf("nothing is said about the file of the %s: %q", name, said)
		}
	}
}
