package content_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/content"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, source := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolder(t *testing.T) {
	dir := folder(t, map[string]string{
		"about.md": "# About", "desserts/apple pie.md": "# Pie", "desserts/fr/crème.MARKDOWN": "# Crème", "desserts/x.md": "---\nid: x\ncollection: Other\n---\n# X",
		"desserts/pie.png": "no", ".git/x.md": "no title", "東京/寿司.md": "# 寿司",
	})
	got := func(collection string) (names []string) {
		items, err := collect(t, content.Source{Path: dir, Collection: collection})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			names = append(names, it.ID+" in "+it.Collection)
		}
		slices.Sort(names)
		return names
	}
	want := []string{"245aa92478 in 東京", "about in ", "desserts.apple-pie in desserts", "desserts.fr.creme in desserts", "x in Other"}
	if names := got(""); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	want = []string{"245aa92478 in C", "about in C", "desserts.apple-pie in C", "desserts.fr.creme in C", "x in Other"}
	if names := got("C"); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestFolderRefuses(t *testing.T) {
	dir := folder(t, map[string]string{"a/x.md": "---\nid: x\n---\n# X", "b/bad.md": "---\nid: y\ntitle: [1]\n---", "b/x.md": "---\nid: x\n---\n# X"})
	_, err := collect(t, content.Source{Path: dir})
	want := filepath.Join(dir, "b/bad.md") + `:3: title: must be text, not a list; put it in quotes` + "\n" +
		filepath.Join(dir, "b/x.md") + `:1: id "x" is repeated: ` + filepath.Join(dir, "a/x.md") + ` has it already; write another id: in the front matter of one, or leave out a folder, such as --exclude 'versioned_docs/**'`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	_, err = collect(t, content.Source{Path: dir, Format: content.CSV})
	if err == nil || !strings.HasSuffix(err.Error(), "is a folder: must be imported as markdown, not as csv") {
		t.Errorf("as CSV: %v", err)
	}
}

// S24: nothing outside the folder is read, and the depth is limited.
func TestS24FolderLinksAndDepth(t *testing.T) {
	outside := folder(t, map[string]string{"secret.md": "# Secret"})
	dir := folder(t, map[string]string{"a.md": "# A", strings.Repeat("d/", 18) + "deep.md": "# Deep"})
	for link, target := range map[string]string{"b.md": filepath.Join(outside, "secret.md"), "c": outside, "loop": "."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	items, err := collect(t, content.Source{Path: dir})
	want := filepath.Join(dir, "b.md") + ": must be a regular file: links are not followed; copy the file, or leave it out with --exclude\n" +
		filepath.Join(dir, strings.Repeat("d/", 17)) + ": must be at most 16 folders deep"
	if err == nil || err.Error() != want || len(items) != 1 || items[0].Title != "A" {
		t.Errorf("%+v\n got %v\nwant %s", items, err, want)
	}
}

func TestFetch(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/feed", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(rss(`<guid>g</guid><title>T</title><link>rel</link>`)))
	})
	mux.HandleFunc("/x.jsonl", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":"a","title":"A"}` + "\n{}"))
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html><title>x</title>")) })
	mux.Handle("/r0", http.RedirectHandler("/feed", http.StatusFound))
	for i, to := range []string{"/r0", "/r1", "/r2"} {
		mux.Handle([]string{"/r1", "/r2", "/r3"}[i], http.RedirectHandler(to, http.StatusFound))
	}
	mux.Handle("/file", http.RedirectHandler("file:///etc/hostname", http.StatusFound))
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for line := []byte(strings.Repeat(" ", 1<<16) + "\n"); ; {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]string{
		"/feed":    "",
		"/r2":      "",
		"/r3":      "more than 3 redirects",
		"/file":    `unsupported protocol scheme "file"`,
		"/none":    "the response is 404 Not Found instead of 200",
		"/page":    "/page:1: must be RSS, Atom or JSON Feed",
		"/x.jsonl": "/x.jsonl:2: id is missing",
		"/endless": "larger than 32 MiB; save it to a file and import that",
	} {
		f := content.Auto
		if path == "/endless" {
			f = content.JSONL
		}
		items, err := collect(t, content.Source{Path: server.URL + path, Format: f})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
		if want == "" && (len(items) != 1 || items[0].URL != "https://feed.example/blog/rel") {
			t.Errorf("%s: %+v", path, items)
		}
	}
	server.Close()
	_, err := collect(t, content.Source{Path: strings.Replace(server.URL, "http://", "http://ann:secret@", 1) + "/feed"})
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.HasSuffix(err.Error(), "check the URL, and whether this machine can reach it") {
		t.Errorf("nobody there: %v", err)
	}
}

// TestFolderTwins: names in both Unicode spellings look alike, so the message shows the difference.
func TestFolderTwins(t *testing.T) {
	dir := folder(t, map[string]string{"caf\u00e9.md": "# A", "cafe\u0301.md": "# B"})
	_, err := collect(t, content.Source{Path: dir})
	if err == nil || !strings.Contains(err.Error(), `caf\u00e9.md" and `) || !strings.Contains(err.Error(), `cafe\u0301.md" are one name in two Unicode spellings)`) {
		t.Error(err)
	}
}
