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
