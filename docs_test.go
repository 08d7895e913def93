package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/settings"
)

// documents are the pages that people read, by their text.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "static/demo/*.md", "examples/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("nothing at %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pages[file] = string(text)
		}
	}
	return pages
}

// TestDocumentsLink follows each link to a file, and to a heading in it.
func TestDocumentsLink(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages := documents(t)
	for page, text := range pages {
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			file, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := filepath.Join(filepath.Dir(page), file)
			if file == "" {
				target = page
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
			if heading != "" && !headings(pages[target])[heading] {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
}

// TestDocumentsFiles finds the files that docs/architecture.md names.
func TestDocumentsFiles(t *testing.T) {
	named := regexp.MustCompile("`([a-z_]+(?:/[a-z_]+)+\\.go)`").FindAllStringSubmatch(documents(t)["docs/architecture.md"], -1)
	if len(named) < 8 {
		t.Errorf("%d files are named, want 8 or more", len(named))
	}
	for _, m := range named {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("docs/architecture.md names %s: %v", m[1], err)
		}
	}
}

// headings are the names by which GitHub links to a page's headings.
func headings(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		if title := strings.TrimLeft(line, "#"); title != line {
			name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
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
	named := regexp.MustCompile("`((?:policy|tls|log)\\.[a-z_.]+)`")
	looked := 0
	for page, text := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if looked++; !known[m[1]] {
				t.Errorf("%s names the setting %s, which is not there", page, m[1])
			}
		}
	}
	if looked < 20 {
		t.Errorf("%d settings were looked at, want 20 or more", looked)
	}
}
