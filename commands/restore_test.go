package commands

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/backup"
)

// restoredJSON is what restore --json prints.
type restoredJSON struct {
	backup.Restored
	Next []string `json:"next"`
}

// TestRestore checks that a backup of used data is restored completely, that both commands print
// the same numbers, and that the restored directory is the same to every command.
func TestRestore(t *testing.T) {
	h := usedData(t)
	if err := os.MkdirAll(filepath.Join(h.dir, "data", "acme"), 0o700); err != nil {
		t.Fatal(err)
	}
	h.write("data/acme/acme_account+key", "an account")
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	for _, exists := range []bool{false, true} {
		r := newHarness(t, "public_url: https://api.example\n")
		data := filepath.Join(r.dir, "data")
		if exists {
			if err := os.MkdirAll(filepath.Join(data, "restore-9", "left"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		var got restoredJSON
		if err := json.Unmarshal([]byte(r.must("restore", file, "--json")), &got); err != nil {
			t.Fatal(err)
		}
		if got.Counts["tenants"] != 2 || got.Counts["tokens"] != 2 || got.Counts["items"] != 3 || got.Counts["audit log"] == 0 || got.MadeAt == nil || got.Migrated || len(got.Next) < 3 {
			t.Errorf("%+v", got)
		}
		if left, _ := filepath.Glob(data + "*/*restore-*"); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if text, err := os.ReadFile(filepath.Join(data, "acme", "acme_account+key")); string(text) != "an account" {
			t.Errorf("the certificates: %q, %v", text, err)
		}
		for _, command := range []string{"usage --json", "tenant list --json", "address list --json", "content export", "key list --json", "fsck"} {
			if command != "fsck" && r.must(strings.Fields(command)...) != h.must(strings.Fields(command)...) {
				t.Errorf("%s differs", command)
			}
		}
		if out := r.must("fsck"); !strings.Contains(out, "everything agrees") {
			t.Errorf("fsck: %s", out)
		}
		if last := lastAudited(t, filepath.Join(data, "stile.db")); last != "restore b.tar" {
			t.Errorf("the last entry of the audit log: %s", last)
		}
		if _, said, code := r.run("restore", file); code != failed || !strings.Contains(said, "is not empty") {
			t.Errorf("a second restore: exit %d %s", code, said)
		}
	}
}

// lastAudited returns the operation and the subject of the last entry of the audit log.
func lastAudited(t *testing.T, file string) (last string) {
	t.Helper()
	db, err := sql.Open("sqlite3", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT operation || ' ' || subject FROM audit ORDER BY seq DESC LIMIT 1`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	return last
}

// TestRestoreRefuses checks that a directory with data, one in use and archives of all kinds are
// refused, and that nothing is left then.
func TestRestoreRefuses(t *testing.T) {
	h := usedData(t)
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	whole := readTar(t, file)
	h.serve()
	if _, said, code := h.run("restore", file); code != failed || !strings.Contains(said, "in use by a running server") {
		t.Errorf("while a server runs: exit %d %s", code, said)
	}
	h.end()
	other := usedData(t)
	other.must("backup", filepath.Join(h.dir, "other.tar"))
	others := readTar(t, filepath.Join(h.dir, "other.tar"))
	change := func(name string, fn func(*entry)) func([]entry) []entry {
		return func(all []entry) []entry {
			for i := range all {
				if strings.HasPrefix(all[i].Name, name) {
					fn(&all[i])
				}
			}
			return all
		}
	}
	without := func(name string) func([]entry) []entry {
		return func(all []entry) []entry {
			return slices.DeleteFunc(all, func(e entry) bool { return strings.HasPrefix(e.Name, name) })
		}
	}
	add := func(name string, kind byte, body string) func([]entry) []entry {
		return func(all []entry) []entry {
			return slices.Insert(all, 0, entry{tar.Header{Name: name, Typeflag: kind, Linkname: "/etc/passwd", Mode: 0o600}, []byte(body)})
		}
	}
	flip := func(e *entry) { e.body = bytes.Clone(e.body); e.body[len(e.body)/2] ^= 1 }
	from := func(name string) func([]entry) []entry {
		return func(all []entry) []entry {
			i := slices.IndexFunc(others, func(e entry) bool { return e.Name == name })
			return without("manifest")(change(name, func(e *entry) { e.body = others[i].body })(all))
		}
	}
	for _, c := range []struct {
		name   string
		change func([]entry) []entry
		want   string
	}{
		{"parent", add("../stile.db", tar.TypeReg, "x"), `"../stile.db" is not a file of a backup`},
		{"absolute", add("/etc/stile.db", tar.TypeReg, "x"), `is not a file of a backup`},
		{"nested", add("acme/../../x", tar.TypeReg, "x"), `is not a file of a backup`},
		{"hidden", add("acme/..", tar.TypeReg, "x"), `is not a file of a backup`},
		{"link", add("acme/x", tar.TypeSymlink, ""), `is not a regular file`},
		{"hard link", add("acme/x", tar.TypeLink, ""), `is not a regular file`},
		{"directory", add("acme/", tar.TypeDir, ""), `is not a regular file`},
		{"device", add("acme/x", tar.TypeChar, ""), `is not a regular file`},
		{"twice", add("keys.json", tar.TypeReg, "{}"), `"keys.json" is there twice`},
		{"large", add("acme/x", tar.TypeReg, strings.Repeat("x", 1<<20+1)), "too many"},
		{"no keys", without("keys"), "keys.json is missing"},
		{"no database", without("stile"), "stile.db is missing"},
		{"no corpus", without("corpus"), "0 corpus files"},
		{"flipped", change("stile.db", flip), "stile.db is not as it was written"},
		{"flipped corpus", change("corpus", flip), "is not as it was written"},
		{"flipped keys", change("keys", flip), "keys.json is not as it was written"},
		{"an extra", add("acme/extra", tar.TypeReg, "x"), "is not as it was written"},
		{"not a database", change("stile.db", func(e *entry) { e.body = []byte("nothing") }), "stile.db is not a database"},
		{"newer", change("manifest", func(e *entry) { e.body = bytes.Replace(e.body, []byte(`"format": 1`), []byte(`"format": 9`), 1) }), "use the newer version"},
		{"other rows", change("manifest", func(e *entry) { e.body = bytes.Replace(e.body, []byte(`"tenants": 2`), []byte(`"tenants": 3`), 1) }), "2 rows in the table tenants, and the manifest has 3"},
		{"other items", change("manifest", func(e *entry) { e.body = bytes.Replace(e.body, []byte(`"items": 3`), []byte(`"items": 4`), 1) }), "3 items in the corpus"},
		{"other keys", from("keys.json"), "belongs to another database"},
		{"other generation", func(all []entry) []entry {
			return without("manifest")(change("corpus-1.db", func(e *entry) { e.Name = "corpus-7.db" })(all))
		}, "its database belongs to corpus-1.db"},
		{"damaged", func(all []entry) []entry {
			return without("manifest")(change("stile.db", func(e *entry) {
				e.body = bytes.Clone(e.body)
				copy(e.body[4096*2:], strings.Repeat("\xa5", 4096))
			})(all))
		}, "damaged"},
		{"damaged corpus", func(all []entry) []entry {
			return without("manifest")(change("corpus", func(e *entry) {
				e.body = bytes.Clone(e.body)
				copy(e.body[4096*3:], strings.Repeat("\xa5", 4096))
			})(all))
		}, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "bad.tar")
			writeTar(t, bad, c.change(slices.Clone(whole)))
			wantRefused(t, bad, c.want)
		})
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, 600, len(text) / 2, len(text) - 4000} {
		cut := filepath.Join(t.TempDir(), "cut.tar")
		if err := os.WriteFile(cut, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, cut, "cut off")
	}
	wantRefused(t, h.dir, "must be a regular file")
	wantRefused(t, filepath.Join(h.dir, "stile.yaml"), "cut off")
}

// wantRefused checks that a restore fails with a text and leaves nothing.
func wantRefused(t *testing.T, file, want string) {
	t.Helper()
	for _, exists := range []bool{false, true} {
		r := newHarness(t, "public_url: https://api.example\n")
		if exists {
			if err := os.Mkdir(filepath.Join(r.dir, "data"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		out, said, code := r.run("restore", file)
		if code != failed || out != "" || !strings.Contains(said, want) || !strings.Contains(said, "nothing was restored") {
			t.Errorf("exit %d, %s\nwant %s", code, said, want)
		}
		left, err := filepath.Glob(filepath.Join(r.dir, "data*"))
		inside, err2 := filepath.Glob(filepath.Join(r.dir, "data", "*"))
		if err != nil || err2 != nil || len(inside) > 0 || exists != (len(left) == 1) {
			t.Errorf("left: %v %v", left, inside)
		}
	}
}

// TestRestoreWithoutManifest checks that a backup of an older version is accepted, with a note.
func TestRestoreWithoutManifest(t *testing.T) {
	h := usedData(t)
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	old := filepath.Join(h.dir, "old.tar")
	writeTar(t, old, slices.DeleteFunc(readTar(t, file), func(e entry) bool { return e.Name == "manifest.json" }))
	r := newHarness(t, "public_url: https://api.example\n")
	if out := r.must("restore", old); !strings.Contains(out, "the backup has no manifest") || !strings.Contains(out, "tenants       2") {
		t.Errorf("%s", out)
	}
}

// TestRestoreRefusesTriggers checks that a backup is refused whose database would change rows by
// itself: here, whoever writes to the audit log makes everybody an owner.
func TestRestoreRefusesTriggers(t *testing.T) {
	h := usedData(t)
	sqlIn(t, filepath.Join(h.dir, "data", "stile.db"), "CREATE TRIGGER evil AFTER INSERT ON audit BEGIN UPDATE admins SET role = 'owner'; END")
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	wantRefused(t, file, "a trigger or a view that this version of stile does not make")
}

// TestR8_RestorePreviousRelease checks that a backup of the previous release, which has no
// manifest, is restored and migrated, and that everything in it agrees.
func TestR8_RestorePreviousRelease(t *testing.T) {
	packed, err := os.Open("../store/testdata/5c92445-backup.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	r := newHarness(t, previousSettings)
	file := r.write("old.tar", string(text))
	var got restoredJSON
	if err := json.Unmarshal([]byte(r.must("restore", file, "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Migrated || got.MadeAt != nil || got.Counts["tenants"] != 3 || got.Counts["items"] != 5 || got.Counts["ledger"] != 18 || got.Counts["tokens"] != 8 {
		t.Errorf("%+v", got)
	}
	if out := r.must("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("fsck: %s", out)
	}
	if out := r.must("usage", "--tenant", "gone", "--format", "csv"); !strings.Contains(out, "gone,2026-11-24,items,3,12,") {
		t.Errorf("usage: %s", out)
	}
}

// TestRestoreInterrupted checks that a restore that is interrupted leaves nothing.
func TestRestoreInterrupted(t *testing.T) {
	h := usedData(t)
	file := filepath.Join(h.dir, "b.tar")
	h.must("backup", file)
	r := newHarness(t, "")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var said bytes.Buffer
	if code := r.program(io.Discard, &said).main(gone, []string{"restore", file}); code != failed {
		t.Errorf("exit %d %s", code, said.String())
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "data*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestBackupRemovesLeftCopy checks that a backup removes the copy of the database that a killed one
// has left, which may be large, and no directory of the operator.
func TestBackupRemovesLeftCopy(t *testing.T) {
	h := usedData(t)
	left, own := filepath.Join("data", "backup-copy-1"), filepath.Join("data", "backup-2026")
	for _, dir := range []string{left, own} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		h.write(filepath.Join(dir, "stile.db"), "a copy")
	}
	h.must("backup", filepath.Join(h.dir, "b.tar"))
	found, err := filepath.Glob(filepath.Join(h.dir, "data", "backup*"))
	if err != nil || len(found) != 1 || found[0] != filepath.Join(h.dir, own) {
		t.Errorf("left: %v, %v", found, err)
	}
}

// entry is a file of an archive.
type entry struct {
	tar.Header
	body []byte
}

func readTar(t *testing.T, file string) (all []entry) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, b})
	}
}

func writeTar(t *testing.T, file string, all []entry) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	for _, e := range all {
		h := e.Header
		h.Size = int64(len(e.body))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
