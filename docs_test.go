package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/commands"
	"stile.example/stile/settings"
)

// documents are the pages that people read, by their text.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "static/demo/*.md"} {
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

// TestDocumentsCommands looks up each command line of the documents, and its
// flags, in the program's own help.
func TestDocumentsCommands(t *testing.T) {
	line := regexp.MustCompile("(?m)(?:^|`|\\s)stile ((?:[a-z-]+)(?: [^`\\n#|…]*)?)")
	flag := regexp.MustCompile(`--([a-z-]+)`)
	looked := 0
	for page, text := range documents(t) {
		for _, code := range code(text) {
			for _, m := range line.FindAllStringSubmatch(code, -1) {
				help, found := helpOf(t, strings.Fields(m[1]))
				if !found {
					t.Errorf("%s: there is no command stile %s", page, m[1])
					continue
				}
				looked++
				for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
					if !strings.Contains(help, "--"+f[1]) && !isSetting(f[1]) {
						t.Errorf("%s: stile %s: there is no flag --%s", page, m[1], f[1])
					}
				}
			}
		}
	}
	if looked < 25 {
		t.Errorf("%d command lines were looked at, want 25 or more", looked)
	}
}

// code is what stands in a page as code: blocks, and spans between backticks.
func code(text string) (all []string) {
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			if kind, block, _ := strings.Cut(part, "\n"); kind == "sh" {
				all = append(all, block)
			}
			continue
		}
		for j, span := range strings.Split(part, "`") {
			if j%2 == 1 {
				all = append(all, span)
			}
		}
	}
	return all
}

// helpOf is the help of the command that words begin with.
func helpOf(t *testing.T, words []string) (help string, found bool) {
	t.Helper()
	args := words[:1]
	if len(words) > 1 && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(words[1]) {
		args = words[:2]
	}
	var out, complaint strings.Builder
	code := commands.Run(context.Background(), append(append([]string{}, args...), "--help"), nil, strings.NewReader(""), &out, &complaint)
	usage := "stile " + strings.Join(args, " ")
	return out.String(), code == 0 && (args[0] == "help" || strings.Contains(out.String(), usage))
}

// isSetting says whether a flag is one that serve and check have for a setting,
// of which their help lists only some.
func isSetting(flag string) bool {
	for _, k := range settings.Keys() {
		if k.Flag() == flag {
			return true
		}
	}
	return false
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

// badItems have the faults that docs/content.md shows, in its order.
const badItems = `{"id":"bread","title":"Bread","published_at":"yesterday"}
{"id":"soup","titel":"Soup"}
{"id":"jam","title":"Jam","url":"javascript:alert(1)"}
{"id":"tea","title":"Tea"}
{"id":"tea","title":"Tea again"}
{"title":"No id"}
{"id":"pie","title":"Pie","tags":"sweet"}
{"id":"cake","title":"Cake"
`

// TestDocumentsFaults imports bad items, and looks up in docs/content.md what
// is said of them.
func TestDocumentsFaults(t *testing.T) {
	text, err := os.ReadFile("docs/content.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "recipes.jsonl"), []byte(badItems), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var out, complaint strings.Builder
	status := commands.Run(context.Background(), []string{"content", "import", "recipes.jsonl"}, nil, strings.NewReader(""), &out, &complaint)
	if status != 1 {
		t.Errorf("exit %d, want 1", status)
	}
	said, _, _ := strings.Cut(complaint.String(), "\nstile:")
	if !strings.Contains(string(text), "```\n"+said+"\n```") {
		t.Errorf("docs/content.md doesn't show what is said:\n%s", said)
	}
}
