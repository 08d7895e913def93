package commands

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"stile.example/stile/operations"
	"stile.example/stile/stiletest/engines"
)

// placeholders are arguments for the words of a command's Use.
var placeholders = map[string]string{
	"CLIENT_ID": "acme", "ID": "a", "ID…": "a", "RANGE": "203.0.113.9", "REF": "7QK2-M4TD", "NAME": "alice", "ADMIN": "alice", "NUMBER": "1", "PURPOSE": "backup", "NAME=VALUE…": "policy.token.calls=5", "TOKEN|JTI|-": "0b9f2c6c5d7a4f0e", "MONTH": "2026-10", "TOKEN|JTI|ID|-": "0b9f2c6c5d7a4f0e", "ADDRESS": "203.0.113.9", "URL": "https://ops.example/x",
}

// needed are arguments that some commands need in addition.
var needed = map[string][]string{"statement prove": {"--line", "1"}}

// argumentsOf returns arguments for a command. Words in brackets are left out.
func argumentsOf(t *testing.T, c *cobra.Command, dir string) (args []string, ok bool) {
	words := strings.Fields(c.Use)
	for _, word := range words[1:] {
		switch value, known := placeholders[word]; {
		case known:
			args = append(args, value)
		case word == "FILE":
			args = append(args, filepath.Join(dir, "file"))
		case strings.HasPrefix(word, "["):
		default:
			t.Errorf("%s: no argument for %s; add one to placeholders", c.CommandPath(), word)
			return nil, false
		}
	}
	return args, true
}

// TestLookingCreatesNothing runs every command that does not add the first of something without a
// data directory and in an empty one. It must create neither a directory nor a file, and say how to
// continue.
func TestLookingCreatesNothing(t *testing.T) {
	looked := 0
	visit((&program{}).root(), func(c *cobra.Command) {
		name := operationName(c)
		op, isOperation := operations.Find(name)
		if c.HasSubCommands() || op.MayCreate() || name == "serve" || name == "settings" {
			return
		}
		looked++
		for _, dir := range []string{"data", "empty"} {
			h := newHarness(t, "")
			empty := filepath.Join(h.dir, "empty")
			if err := os.Mkdir(empty, 0o700); err != nil {
				t.Fatal(err)
			}
			args, ok := argumentsOf(t, c, h.dir)
			if !ok {
				return
			}
			args = append(strings.Fields(name), args...)
			if c.Flags().Lookup("yes") != nil {
				args = append(args, "--yes")
			}
			args = append(args, needed[name]...)
			if name == "simulate" {
				args = append(args, "--days", "1", "--group", "none")
			}
			_, err, code := h.run(append(args, "--data", filepath.Join(h.dir, dir))...)
			if isOperation && (code != failed || !strings.Contains(err, "no data") || !strings.Contains(err, "start the server with `stile serve`")) {
				t.Errorf("stile %s: exit %d: %s", strings.Join(args, " "), code, err)
			}
			left, _ := filepath.Glob(h.dir + "/*")
			inside, _ := filepath.Glob(empty + "/*")
			if len(left) != 2 || len(inside) != 0 { // stile.yaml and empty
				t.Errorf("stile %s created %v %v", strings.Join(args, " "), left, inside)
			}
		}
	})
	if looked < 20 {
		t.Errorf("only %d commands", looked)
	}
}

// TestLookingAtNodesCreatesNothing runs every command that does not add the first of something next
// to nodes with data, either with a data directory that does not exist, or with an empty one. Of
// its copy of the corpus, nothing may be left, there or elsewhere.
func TestLookingAtNodesCreatesNothing(t *testing.T) {
	url, temporary := engines.Postgres(t), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	node := newHarness(t, "store: "+url+"\nstore_key: "+strings.Repeat("5e", 32)+"\n")
	node.must("tenant", "add", "acme")
	node.must("content", "import", node.write("items.jsonl", threeItems))
	empty := t.TempDir()
	looked := 0
	visit((&program{}).root(), func(c *cobra.Command) {
		name := operationName(c)
		op, isOperation := operations.Find(name)
		if c.HasSubCommands() || !isOperation || op.MayCreate() {
			return
		}
		looked++
		args, ok := argumentsOf(t, c, node.dir)
		if !ok {
			return
		}
		args = append(append(strings.Fields(name), args...), needed[name]...)
		if c.Flags().Lookup("yes") != nil {
			args = append(args, "--yes")
		}
		dir := empty
		if looked%2 == 0 {
			dir = filepath.Join(empty, "data")
		}
		out, err, _ := node.run(append(args, "--data", dir)...)
		if strings.Contains(err, "created the data directory") {
			t.Errorf("stile %s: %s", strings.Join(args, " "), err)
		}
		if name == "content list" && strings.Count(out, "\n") != 4 {
			t.Errorf("the items: %s%s", out, err)
		}
		for _, dir := range []string{empty, temporary} {
			if left, _ := filepath.Glob(dir + "/*"); len(left) != 0 {
				t.Errorf("stile %s left %v", strings.Join(args, " "), left)
				for _, file := range left {
					os.RemoveAll(file)
				}
			}
		}
	})
	if looked < 20 {
		t.Errorf("only %d commands", looked)
	}
}

// TestCheckCreatesNothing checks what check reports about a data directory: none yet, one that
// other users can read, lost keys, and another public URL.
func TestCheckCreatesNothing(t *testing.T) {
	h := newHarness(t, "public_url: https://api.example\n")
	out := h.must("check")
	if !strings.Contains(out, h.dir+"/data has no data yet; the first start of the server creates it") {
		t.Errorf("no directory: %s", out)
	}
	h.serve()
	h.must("tenant", "add", "acme")
	h.end()
	if out := h.must("check"); strings.Contains(out, "permissions") || !strings.Contains(out, "keys and database can be read and written") {
		t.Errorf("as created: %s", out)
	}
	h.write("stile.yaml", strings.Replace(h.read("stile.yaml"), "https://api.example", "https://other.example", 1))
	if out := h.must("check"); !strings.Contains(out, "was served under the public_url https://api.example") {
		t.Errorf("another URL: %s", out)
	}
	data := h.dir + "/data"
	for file, mode := range map[string]os.FileMode{data: 0o755, data + "/keys.json": 0o644} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	out, _, code := h.run("check")
	for _, want := range []string{"wrong    " + data + "/keys.json is open to other users (mode 0644): chmod 600 " + data + "/keys.json", "warning  " + data + " is open to other users (mode 0755): chmod 700 " + data} {
		if code != failed || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in %s", code, want, out)
		}
	}
	if err := os.Remove(data + "/keys.json"); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"check", "tenant list", "tenant add other", "serve"} {
		out, err, code := h.run(strings.Fields(args)...)
		if code != failed || !strings.Contains(out+err, "keys.json is missing, but the database has tenants (1)") || !strings.Contains(out+err, "`stile serve --new-keys`") {
			t.Errorf("stile %s without keys: exit %d %s%s", args, code, out, err)
		}
	}
	if _, err := os.Stat(data + "/keys.json"); err == nil {
		t.Error("keys were created")
	}
	h.serve("--new-keys")
	if log := h.log.String(); !strings.Contains(log, "new keys were created") || !strings.Contains(log, "the data directory is not protected") {
		t.Errorf("the log: %s", log)
	}
	h.must("tenant", "rotate-secret", "acme", "--yes")
}

// TestIgnoredVariables checks that the server warns about variables with its prefix that are not
// settings.
func TestIgnoredVariables(t *testing.T) {
	h := newHarness(t, "")
	h.env = []string{"STILE_VERSION=1.2"}
	h.serve()
	if log := h.log.String(); !strings.Contains(log, "variable=STILE_VERSION") && !strings.Contains(log, `"variable":"STILE_VERSION"`) {
		t.Errorf("the log: %s", log)
	}
	if out := h.must("check"); !strings.Contains(out, "STILE_VERSION: is not a setting and is ignored") {
		t.Errorf("check: %s", out)
	}
}

// TestCheckMissingFiles checks that check names files that were removed under a running server, and
// that the way out for the keys is one.
func TestCheckMissingFiles(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	h.must("tenant", "add", "acme")
	h.must("content", "import", h.write("items.jsonl", threeItems))
	if out := h.must("check"); !strings.Contains(out, "open in a running server") {
		t.Errorf("as it is: %s", out)
	}
	keys := h.read("data/keys.json")
	files, _ := filepath.Glob(h.dir + "/data/corpus-*.db")
	for _, file := range append(files, h.dir+"/data/keys.json") {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	out, _, code := h.run("check")
	for _, want := range []string{"/data/keys.json is missing, and the server can't start again without it: `stile key rotate`", "/data/corpus-N.db is missing, and the server"} {
		if code != failed || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in %s", code, want, out)
		}
	}
	h.must("key", "rotate")
	if now := h.read("data/keys.json"); secretIn(keys) == "" || secretIn(keys) != secretIn(now) {
		t.Errorf("the key of secrets has changed")
	}
}

// secretIn returns the key of secrets in the text of keys.json.
func secretIn(keys string) string {
	var k struct {
		Secret string `json:"secret_key"`
	}
	if json.Unmarshal([]byte(keys), &k) != nil {
		return ""
	}
	return k.Secret
}

// TestLookingChangesNothing checks that looking commands leave neither another mode of the keys nor
// a lock file in a directory, such as one that was restored.
func TestLookingChangesNothing(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	h.must("tenant", "add", "acme")
	h.end()
	keys, lock := h.dir+"/data/keys.json", h.dir+"/data/stile.lock"
	for _, args := range []string{"check", "tenant list", "content list", "usage"} {
		if err := errors.Join(os.Chmod(keys, 0o644), os.RemoveAll(lock)); err != nil {
			t.Fatal(err)
		}
		h.run(strings.Fields(args)...)
		if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("stile %s changed keys.json: %v %v", args, info.Mode(), err)
		}
		if _, err := os.Stat(lock); err == nil {
			t.Errorf("stile %s left %s", args, lock)
		}
	}
	h.must("tenant", "set", "acme", "--name", "Acme")
	if _, err := os.Stat(lock); err == nil {
		t.Error("a change left the lock file")
	}
}

// TestCreatedDirectory checks that a command that creates a data directory says so, and that an
// import whose source can't be read creates none.
func TestCreatedDirectory(t *testing.T) {
	for _, source := range []string{"/nonexist.jsonl", "http://127.0.0.1:1/feed", newHarness(t, "").write("bad.jsonl", "{\n")} {
		h := newHarness(t, "")
		_, err, code := h.run("content", "import", source)
		if _, bad := os.Stat(h.dir + "/data"); code != failed || bad == nil || strings.Contains(err, "created") || !strings.Contains(err, "nothing was imported") {
			t.Errorf("%s: exit %d, %v: %s", source, code, bad, err)
		}
	}
	h := newHarness(t, "")
	items := h.write("items.jsonl", threeItems)
	want := "created the data directory " + h.dir + "/data\n"
	if _, err, code := h.run("content", "import", items); code != done || !strings.Contains(err, want) {
		t.Errorf("exit %d: %s", code, err)
	}
	if out := h.must("content", "list"); strings.Count(out, "\n") != 4 {
		t.Errorf("the items: %s", out)
	}
	if _, err, _ := h.run("tenant", "add", "acme"); strings.Contains(err, "created") {
		t.Errorf("the second command: %s", err)
	}
	other := newHarness(t, "")
	other.serve()
	if log := other.log.String(); !strings.Contains(log, "created the data directory") {
		t.Errorf("the log: %s", log)
	}
}

// TestListsAreArrays checks that every list is an array in JSON, also an empty one, as those of the
// contract are, and that a part of one says on standard error how to continue.
func TestListsAreArrays(t *testing.T) {
	h, lists := newHarness(t, ""), 0
	h.must("tenant", "add", "acme")
	h.must("admin", "add", "alice")
	visit((&program{}).root(), func(c *cobra.Command) {
		if name := operationName(c); c.Name() == "list" || name == "webhook deliveries" {
			args, _ := argumentsOf(t, c, h.dir)
			out := h.must(append(append(strings.Fields(name), args...), "--json")...)
			if lists++; !strings.HasPrefix(out, "[") {
				t.Errorf("%s: %s", name, out)
			}
		}
	})
	if lists < 12 {
		t.Errorf("only %d lists", lists)
	}
	if _, more, _ := h.run("audit", "list", "--limit", "1", "--json"); more != "… and older entries: --after 2 continues\n" {
		t.Errorf("a part of the audit log: %q", more)
	}
}

// TestNotOurs checks what is said of a data directory that is a file, and of an archive that is not
// one: what it is, without the words of Go's packages.
func TestNotOurs(t *testing.T) {
	h := newHarness(t, "")
	file := h.write("notes.txt", strings.Repeat("notes ", 200))
	for says, args := range map[string][]string{
		"stile: can't contact a server at " + file + "/stile.sock: not a directory\n":                             {"usage", "--data", file},
		"stile: " + file + ": is not an archive that `stile backup` wrote, or is damaged; nothing was restored\n": {"restore", file},
	} {
		if _, err, code := h.run(args...); code != failed || err != says {
			t.Errorf("stile %s: exit %d, %q, want %q", strings.Join(args, " "), code, err, says)
		}
	}
}
