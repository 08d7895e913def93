package docs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/commands"
	"stile.example/stile/settings"
)

// TestDocumentsCommands looks up each command line of the documents, and its flags, in the
// program's own help.
func TestDocumentsCommands(t *testing.T) {
	line := regexp.MustCompile("(?m)(?:^|`|\\s)stile ((?:[a-z][a-z-]*)(?: [^`\\n#|…]*)?)")
	found := 0
	for page, text := range documents(t) {
		for _, part := range codeOf(text) {
			for _, m := range line.FindAllStringSubmatch(part, -1) {
				found++
				checkCommandLine(t, page, m[1])
			}
		}
	}
	if found < 25 {
		t.Errorf("the pages have %d command lines, want 25 or more", found)
	}
}

// checkCommandLine checks that the command exists and has the flags that the line gives it.
func checkCommandLine(t *testing.T, page, line string) {
	t.Helper()
	help, isCommand := helpOf(t, strings.Fields(line))
	if !isCommand {
		t.Errorf("%s: there is no command stile %s", page, line)
		return
	}
	flag := regexp.MustCompile(`--([a-z-]+)`)
	for _, f := range flag.FindAllStringSubmatch(line, -1) {
		if !strings.Contains(help, "--"+f[1]) && !isSetting(f[1]) {
			t.Errorf("%s: stile %s: there is no flag --%s", page, line, f[1])
		}
	}
}

// codeOf returns the code of a page: shell blocks, and spans between backticks.
func codeOf(text string) []string {
	var all []string
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

// helpOf returns the help of the command that words begin with. It reports whether there is one.
func helpOf(t *testing.T, words []string) (help string, found bool) {
	t.Helper()
	args := words[:1]
	if len(words) > 1 && regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(words[1]) {
		args = words[:2]
	}
	code, stdout, _ := run(t, append(slices.Clone(args), "--help")...)
	usage := "stile " + strings.Join(args, " ")
	return stdout, code == 0 && (args[0] == "help" || strings.Contains(stdout, usage))
}

// run runs a command in this process, without settings from the environment.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = commands.Run(t.Context(), "stile", args, nil, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// isSetting reports whether a flag sets a setting. The commands serve and check have these flags,
// and their help lists only some.
func isSetting(flag string) bool {
	for _, k := range settings.Keys() {
		if k.Flag() == flag {
			return true
		}
	}
	return false
}

// invalidItems have the errors that docs/content.md shows, in its order.
const invalidItems = `{"id":"bread","title":"Bread","published_at":"yesterday"}
{"id":"soup","titel":"Soup"}
{"id":"jam","title":"Jam","url":"javascript:alert(1)"}
{"id":"tea","title":"Tea"}
{"id":"tea","title":"Tea again"}
{"title":"No id"}
{"id":"pie","title":"Pie","tags":"sweet"}
{"id":"cake","title":"Cake"
`

var progressLine = regexp.MustCompile(`(?m)^\d+ items read, .*\n`)

// TestDocumentsImportErrors imports invalid items, and looks up the errors in docs/content.md.
func TestDocumentsImportErrors(t *testing.T) {
	text, err := os.ReadFile("content.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("recipes.jsonl", []byte(invalidItems), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := run(t, "content", "import", "recipes.jsonl")
	if status != 1 {
		t.Errorf("the import exits with %d, want 1", status)
	}
	printed, _, _ := strings.Cut(stderr, "\nstile:")
	printed = progressLine.ReplaceAllString(printed, "") // on a busy machine, after 2 s
	if !strings.Contains(string(text), "```\n"+printed+"\n```") {
		t.Errorf("docs/content.md does not show what the import prints:\n%s", printed)
	}
}
