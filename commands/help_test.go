package commands

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"stile.example/stile/operations"
)

// visit calls fn for each command below c, except those that cobra adds, and for c itself.
func visit(c *cobra.Command, fn func(*cobra.Command)) {
	fn(c)
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" {
			visit(sub, fn)
		}
	}
}

// TestHelp checks that every command has a summary, a text of sentences and an example that begins
// with its name, checks its arguments, and can print JSON.
func TestHelp(t *testing.T) {
	visit((&program{}).root(), func(c *cobra.Command) {
		path := c.CommandPath()
		if c.Name() == "settings" {
			return
		}
		if first, _ := utf8.DecodeRuneInString(c.Short); !unicode.IsLower(first) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short %q", path, c.Short)
		}
		if first, _ := utf8.DecodeRuneInString(c.Long); !unicode.IsUpper(first) && path != "stile" || !strings.HasSuffix(c.Long, ".") {
			t.Errorf("%s: long %q", path, c.Long)
		}
		if !strings.Contains(c.Example, path) {
			t.Errorf("%s: example %q", path, c.Example)
		}
		if !c.HasSubCommands() && c.Args == nil {
			t.Errorf("%s does not check its arguments", path)
		}
		if c.Flags().Lookup("json") == nil && !c.HasSubCommands() && c.Name() != "serve" {
			t.Errorf("%s has no --json", path)
		}
	})
}

// TestHelpWidth checks that no line of any help text is wider than 80 columns.
func TestHelpWidth(t *testing.T) {
	h, lines := newHarness(t, ""), 0
	visit((&program{}).root(), func(c *cobra.Command) {
		words := strings.Fields(c.CommandPath())[1:]
		for line := range strings.Lines(h.must(append([]string{"help"}, words...)...)) {
			lines++
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: a line of %d columns: %s", c.CommandPath(), n, line)
			}
		}
	})
	if lines < 500 {
		t.Errorf("only %d lines of help", lines)
	}
}

// TestFlagValues checks that the help names the value of every flag, and not a command that its
// text mentions: pflag shows what is in backquotes as the name of the value.
func TestFlagValues(t *testing.T) {
	flags := 0
	visit((&program{}).root(), func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			flags++
			name, usage := pflag.UnquoteUsage(f)
			if isSwitch := f.Value.Type() == "bool"; isSwitch != (name == "") || strings.Contains(name, " ") || strings.Contains(usage, "`") {
				t.Errorf("%s: --%s %s: %s", c.CommandPath(), f.Name, name, usage)
			}
		})
	})
	if flags < 150 {
		t.Errorf("only %d flags", flags)
	}
}

// TestOperations checks that every operation is performed by the command of its name, and that
// every other command does without the data directory, or is one of those that open it themselves.
func TestOperations(t *testing.T) {
	commands := map[string]*cobra.Command{}
	visit((&program{}).root(), func(c *cobra.Command) {
		if !c.HasSubCommands() || c.Name() == "usage" { // which has the subcommand verify
			commands[operationName(c)] = c
		}
	})
	for _, op := range operations.All() {
		c := commands[op.Name]
		if c == nil || c.RunE == nil || c.Short != op.Summary {
			t.Errorf("%s: its command is %+v", op.Name, c)
		}
		delete(commands, op.Name)
	}
	rest := slices.Sorted(maps.Keys(commands))
	if want := []string{"check", "move", "restore", "serve", "settings", "simulate", "usage verify", "version"}; !slices.Equal(rest, want) {
		t.Errorf("commands without an operation: %q, want %q", rest, want)
	}
}

// TestExitCodes checks exit codes (0 success, 1 failure, 2 usage error) and that errors say what
// failed and what to do next.
func TestExitCodes(t *testing.T) {
	h := newHarness(t, "")
	h.must("address", "block", "198.51.100.7") // creates the data directory
	for _, c := range []struct {
		args string
		code int
		says string // part of standard error, or of standard output for 0
	}{
		{"", 0, "Available Commands"},
		{"help", 0, "Available Commands"},
		{"help settings", 0, "policy.token.calls: 2000"},
		{"tenant", 0, "rotate-secret"},
		{"tenant add --help", 0, "--calls-per-month"},
		{"serve --help", 0, "--trusted-proxies"},
		{"version", 0, "sqlite"},
		{"bogus", 2, "stile: unknown command \"stile bogus\"; `stile --help` lists them\n"},
		{"servr", 2, "did you mean `stile serve`?"},
		{"servr --json", 2, "did you mean `stile serve`?"},
		{"tenant shw acme --json", 2, "did you mean `stile tenant show`?"},
		{"help servr", 2, "did you mean `stile serve`?"},
		{"help tenant bogus", 2, "unknown command \"stile tenant bogus\""},
		{"usage bogus --jsn", 2, "takes no arguments"},
		{"simulate --days many", 2, "--days \"many\": must be a whole number; see `stile simulate --help`\n"},
		{"tenant bogus", 2, "unknown command \"stile tenant bogus\""},
		{"tenant add", 2, "takes one CLIENT_ID"},
		{"tenant add a b", 2, "takes one CLIENT_ID"},
		{"tenant list --bogus", 2, "unknown flag: --bogus; see `stile tenant list --help`"},
		{"tenant add a --calls-per-month many", 2, "--calls-per-month"},
		{"tenant add a --price cheap", 2, `--price "cheap"`},
		{"tenant add a --price 1@soon", 2, "YYYY-MM-DD"},
		{"tenant add a --price-per-record -1", 2, `--price-per-record "-1"`},
		{"tenant add a --tier calls:10", 2, "must be UNIT:N=AMOUNT[@DAY], such as calls:10001=0.0015, or none"},
		{"tenant add a --tier bytes:10=1", 2, "must be UNIT:N=AMOUNT[@DAY]"},
		{"tenant add a --tier none@soon", 2, "YYYY-MM-DD"},
		{"tenant add a --tier calls:1=0.1", 1, "tier of calls from 1: must begin with a number from 2"},
		{"tenant add a --currency EURO", 1, `currency "EURO": must be a code of ISO 4217 such as EUR`},
		{"statement show", 2, "takes a CLIENT_ID and a MONTH"},
		{"statement show a 2026-13", 2, `month "2026-13": must be YYYY-MM`},
		{"statement show nobody 2026-11", 1, "there is no tenant nobody"},
		{"webhook remove nothing", 1, "there is no webhook nothing"},
		{"statement export a 2026-11 --format pdf", 2, `--format "pdf": must be html, csv, json or ndjson`},
		{"statement export a 2020-01", 1, "there is no statement of a for 2020-01: nothing was used in that month or before it"},
		{"statement prove a 2026-11", 2, "takes --line or --token"},
		{"statement prove a 2026-11 --line 0", 2, "--line 0: must be 1 or more"},
		{"statement list --month 1", 1, `month "1": must be YYYY-MM`},
		{"usage verify", 2, "takes one FILE"},
		{"usage verify nothing.json", 1, "open nothing.json: no such file"},
		{"usage verify stile.yaml --key nothing.txt", 1, "open "},
		{"usage bogus", 2, "takes no arguments"},
		{"tenant set a calls", 2, "must be KEY=VALUE"},
		{"tenant rotate-secret a --overlap -1h", 2, "--overlap"},
		{"content import", 2, "takes one FILE"},
		{"content import x --format xml", 2, "--format"},
		{"content list --limit 0", 2, "--limit 0: must be from 1 to 10000"},
		{"token issue", 2, "takes one CLIENT_ID"},
		{"address allow", 2, "takes one RANGE"},
		{"address block here", 2, `stile: "here"`},
		{"address block 203.0.113.9 --for never", 2, "--for"},
		{"address block 203.0.113.9 --for 0s", 2, "leave it out for a permanent entry"},
		{"address allow 203.0.113.9 --bindings 30001", 2, "must be at most 30000"},
		{"address allow 203.0.113.9 --reason " + strings.Repeat("x", 257), 2, "must be at most 256 bytes"},
		{"address remove 203.0.113.9", 1, "203.0.113.9/32 is not in the address list"},
		{"address block 10.0.0.0/7", 1, "10.0.0.0/7 is wider than a /8, so the block refuses a large part of the internet; nothing was changed: to do it, add --yes"},
		{"explain", 2, "takes one REF"},
		{"explain 7qk2m4td", 1, "stile: unknown reference 7QK2-M4TD"},
		{"refusal list --code token_stolen", 1, "code \"token_stolen\": must be one of token_missing, "},
		{"simulate --days 0", 2, "must be from 1 to 31"},
		{"simulate --group cats", 2, `--group "cats": unknown group; must be one of home`},
		{"simulate --policy nothing.yaml", 1, "nothing.yaml: no such file"},
		{"usage --from 2026", 2, "YYYY-MM"},
		{"usage --from 2026-12 --to 2026-11", 2, "--from 2026-12-01: must not be after --to 2026-11-30"},
		{"usage --from 2026-11-02 --to 2026-11-01", 2, "--from 2026-11-02: must not be after --to 2026-11-01"},
		{"usage --format xml", 2, "--format"},
		{"key rotate --alg none", 2, "must be one of EdDSA, ES256, RS256"},
		{"tenant show nobody", 1, "stile: there is no tenant nobody; `stile tenant list` lists the tenants"},
		{"tenant add no/body", 1, "client_id"},
		{"tenant remove nobody --yes", 1, "there is no tenant nobody"},
		{"content show nothing", 1, "there is no item \"nothing\""},
		{"content import nothing.jsonl", 1, "nothing was imported: open nothing.jsonl: no such file"},
		{"explain hello", 1, "stile: malformed reference \"hello\": a reference has 8 letters and digits"},
		{"explain 7QK2-M4TU", 1, "stile: malformed reference"},
		{"token show AAAAAAAAAAAAAAAAAAAAAA", 1, "stile: unknown jti"},
		{"token show jti", 1, "stile: not a token or a jti"},
		{"token revoke jti", 1, "stile: not a token or a jti"},
		{"token revoke 59b271ae1bbcb1d31d41929817f4b16f", 1, "stile: not a token or a jti"},
		{"token revoke a.b.c", 1, "the token is invalid"},
		{"token issue nobody", 1, "there is no tenant nobody"},
		{"usage --tenant nobody", 1, "there is no tenant nobody"},
		{"backup /nowhere/x.tar", 1, "/nowhere"},
		{"serve --listen 1", 1, "--listen: \"1\": must be HOST:PORT"},
	} {
		out, err, code := h.run(strings.Fields(c.args)...)
		said := err
		if c.code == 0 {
			said = out
		}
		if code != c.code || !strings.Contains(said, c.says) || code != 0 && out != "" {
			t.Errorf("stile %s: exit %d, want %d\n%s%s", c.args, code, c.code, out, err)
		}
		if strings.Contains(out+err, "\x1b") {
			t.Errorf("stile %s writes to a file as to a terminal", c.args)
		}
	}
}

// TestCommandsInREADME checks that the list of commands in the README is complete.
func TestCommandsInREADME(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(text), "\n## Commands\n")
	list, _, _ = strings.Cut(list, "\n## ")
	for _, c := range (&program{}).root().Commands() {
		if c.Name() == "help" || c.Name() == "settings" { // stile help settings
			continue
		}
		lines := regexp.MustCompile(`(?m)^stile `+c.Name()+`\b.*$`).FindAllString(list, -1)
		if len(lines) != 1 {
			t.Errorf("stile %s is in %d lines", c.Name(), len(lines))
		}
		line := strings.Join(lines, "\n")
		for _, sub := range c.Commands() {
			if !regexp.MustCompile(`\b` + sub.Name() + `\b`).MatchString(line) {
				t.Errorf("%s is missing in %q", sub.Name(), line)
			}
		}
	}
}

// TestExamples checks that no example of a help text, and no command line of the documents, is a
// usage error: a flag that was renamed, a value that is not allowed any more, an argument too many.
func TestExamples(t *testing.T) {
	lines := documented(t)
	if len(lines) < 90 {
		t.Errorf("only %d command lines in the documents", len(lines))
	}
	visit((&program{}).root(), func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			lines = append(lines, strings.TrimSpace(line))
		}
	})
	h, examples := newHarness(t, ""), 0
	h.must("tenant", "add", "acme")
	h.must("admin", "add", "alice")
	h.serve()
	t.Chdir(h.dir) // some write a file
	for _, line := range lines {
		args := wordsOf(line)
		if len(args) < 2 || slices.Contains([]string{"serve", "completion", "simulate", "compare"}, args[1]) || slices.Contains(args, "compare") {
			continue // it does not end, is for a shell, or takes long
		}
		examples++
		h.in = "x"
		if _, err, code := h.run(args[1:]...); code == usageError {
			t.Errorf("%s: %s", line, err)
		}
	}
	if examples < 280 {
		t.Errorf("only %d examples", examples)
	}
}

// documented returns the command lines in the code blocks of the documents.
func documented(t *testing.T) (lines []string) {
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^ *```(?:sh|console)\n(.*?)^ *```").FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				if line = strings.TrimPrefix(strings.TrimSpace(line), "sudo "); strings.HasPrefix(line, "stile ") {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// wordsOf splits a command line as a shell does, without what follows a redirection, a pipe or a #,
// and without the hash of --head, which another command prints.
func wordsOf(line string) (words []string) {
	line = regexp.MustCompile(`\$\([^)]*\)`).ReplaceAllString(line, "x")
	line = regexp.MustCompile(` +([<>#|&]|--head|\d>).*`).ReplaceAllString(line, "")
	for _, word := range regexp.MustCompile(`("[^"]*"|'[^']*'|[^ "'])+`).FindAllString(line, -1) {
		words = append(words, strings.NewReplacer(`"`, "", "'", "").Replace(word))
	}
	return words
}
