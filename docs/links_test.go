package docs_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"stile.example/stile/settings"
)

// root is the directory of the project.
var root = os.DirFS("..")

// documents returns the text of each Markdown page that people read, by its path from the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{
		"*.md", "docs/*.md", "docs/decisions/*.md", "static/demo/*.md", "examples/*.md",
	} {
		files, err := fs.Glob(root, pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no file matches %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := fs.ReadFile(root, file)
			if err != nil {
				t.Fatal(err)
			}
			pages[file] = string(text)
		}
	}
	return pages
}

// fileName matches the text of a link that is the name of a file.
var fileName = regexp.MustCompile(`^[\w./-]+\.(go|ts|mjs|sql|md|txt|svg)$`)

// TestDocumentsLink follows each link to a file, and to a heading in it. If the text of the link is
// the name of a file, it must be the name of that file.
func TestDocumentsLink(t *testing.T) {
	links := regexp.MustCompile(`(?:\[([^\[\]]*))?\]\(([^)\s]+)\)`)
	pages := documents(t)
	for page, text := range pages {
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			file, heading, _ := strings.Cut(m[2], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := path.Join(path.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := fs.Stat(root, target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[2], err)
			}
			if named := strings.Trim(m[1], "`"); fileName.MatchString(named) && !strings.HasSuffix(target, named) {
				t.Errorf("%s calls the link to %s %q", page, target, named)
			}
			if heading != "" && !headings(pages[target])[heading] {
				t.Errorf("%s links to %s, which has no such heading", page, m[2])
			}
		}
	}
}

// TestDocumentsFiles looks for the files that docs/architecture.md names.
func TestDocumentsFiles(t *testing.T) {
	const page = "docs/architecture.md"
	name := regexp.MustCompile("`([a-z_0-9]+(?:/[a-z_0-9]+)+\\.go)`")
	names := name.FindAllStringSubmatch(documents(t)[page], -1)
	if len(names) < 8 {
		t.Errorf("%s names %d files, want 8 or more", page, len(names))
	}
	for _, m := range names {
		if _, err := fs.Stat(root, m[1]); err != nil {
			t.Errorf("%s names %s: %v", page, m[1], err)
		}
	}
}

// TestDocumentsPackages checks that the table of docs/architecture.md has each package once. Parts
// of a program are described where the program is.
func TestDocumentsPackages(t *testing.T) {
	const page = "docs/architecture.md"
	table, _, _ := strings.Cut(documents(t)[page], "## Imports")
	parts := regexp.MustCompile(`^(bench|examples|widgets|deploy|stiletest/peers)/|^(docs|\.)$`)
	for dir := range goDirs(t) {
		if n := strings.Count(table, "](../"+dir+")"); !parts.MatchString(dir) && n != 1 {
			t.Errorf("%s has the package %s %d times, want once", page, dir, n)
		}
	}
}

// goDirs returns the directories of the project that contain Go files.
func goDirs(t *testing.T) map[string]bool {
	dirs := map[string]bool{}
	for _, file := range sources(t, "") {
		if file.kind == "go" {
			dirs[path.Dir(file.name)] = true
		}
	}
	return dirs
}

// TestDocumentsDecisions holds the index of the decisions against their pages: each page is in it
// once, under its own title, in order of date.
func TestDocumentsDecisions(t *testing.T) {
	pages := documents(t)
	entries := regexp.MustCompile(`(?m)^- \[(.+)\]\((.+)\)$`).FindAllStringSubmatch(pages["docs/decisions/README.md"], -1)
	listed, last := map[string]bool{"docs/decisions/README.md": true}, ""
	for _, e := range entries {
		title, file := e[1], "docs/decisions/"+e[2]
		text, found := pages[file]
		if !found {
			t.Errorf("the index names %s, which does not exist", file)
			continue
		}
		if listed[file] {
			t.Errorf("the index lists %s twice", file)
		}
		if heading, _, _ := strings.Cut(text, "\n"); heading != "# "+title {
			t.Errorf("the index calls %s %q, and its heading is %q", file, title, heading)
		}
		date, err := time.Parse(time.DateOnly, e[2][:min(len(e[2]), len(time.DateOnly))])
		if err != nil {
			t.Errorf("%s must begin with its date: %v", file, err)
		} else if !strings.Contains(text, "\n"+date.Format("2 January 2006")) {
			t.Errorf("%s must state its date, %s", file, date.Format("2 January 2006"))
		}
		if day := date.Format(time.DateOnly); day < last {
			t.Errorf("the index lists %s after a page of %s", file, last)
		} else {
			last = day
		}
		listed[file] = true
	}
	for file := range pages {
		if path.Dir(file) == "docs/decisions" && !listed[file] {
			t.Errorf("the index lacks %s", file)
		}
	}
}

// headings returns the names by which GitHub links to a page's headings.
func headings(text string) map[string]bool {
	names := map[string]bool{}
	mark := regexp.MustCompile(`[^\pL\pN _-]`)
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); title != line {
			name := mark.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			names[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return names
}

// TestDocumentsSettings looks up each setting that a page names.
func TestDocumentsSettings(t *testing.T) {
	known := map[string]bool{}
	for _, k := range settings.Keys() {
		known[k.Name] = true
	}
	name := regexp.MustCompile("`((?:policy|tls|log)\\.[a-z_.]+)`")
	found := 0
	for page, text := range documents(t) {
		for _, m := range name.FindAllStringSubmatch(text, -1) {
			if found++; !known[m[1]] {
				t.Errorf("%s names the setting %s, which does not exist", page, m[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("the pages name %d settings, want 20 or more", found)
	}
}
