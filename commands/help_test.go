package commands

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelpTeaches: every command says what it does in a sentence, how it is
// used, and shows an example that begins with its own name.
func TestHelpTeaches(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Name() != "settings" {
			if c.Short == "" || !strings.Contains(c.Long, ".") || !strings.Contains(c.Example, c.CommandPath()) && c.Name() != "stile" {
				t.Errorf("%s: short %q, long %q, example %q", c.CommandPath(), c.Short, c.Long, c.Example)
			}
			if !c.HasSubCommands() && c.Args == nil {
				t.Errorf("%s takes any arguments", c.CommandPath())
			}
		}
		if json := c.Flags().Lookup("json"); json == nil && !c.HasSubCommands() && c.Name() != "serve" && c.Name() != "settings" {
			t.Errorf("%s prints, and has no --json", c.CommandPath())
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len([]rune(line)) > 90 && c.Name() != "settings" {
				t.Errorf("%s: a line of %d characters: %s", c.CommandPath(), len(line), line)
			}
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit((&program{}).root())
}

// TestExitCodes: 0 done, 1 failed, 2 wrong use; errors say what and what next.
func TestExitCodes(t *testing.T) {
	h := newHome(t, "")
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
		{"tenant bogus", 2, "unknown command \"stile tenant bogus\""},
		{"tenant add", 2, "takes one CLIENT_ID"},
		{"tenant add a b", 2, "takes one CLIENT_ID"},
		{"tenant list --bogus", 2, "unknown flag: --bogus; `stile tenant list --help`"},
		{"tenant add a --calls-per-month many", 2, "--calls-per-month"},
		{"tenant add a --price cheap", 2, `--price "cheap"`},
		{"tenant add a --price 1@soon", 2, "YYYY-MM-DD"},
		{"tenant set a calls", 2, "no KEY=VALUE"},
		{"tenant rotate-secret a --overlap -1h", 2, "--overlap"},
		{"content import", 2, "takes one FILE"},
		{"content import x --format xml", 2, "--format"},
		{"content list --limit 0", 2, "--limit 0 is not allowed"},
		{"token issue", 2, "stile token issue CLIENT_ID"},
		{"address allow", 2, "takes one RANGE"},
		{"address block here", 2, `"here": must be an address or a range`},
		{"address block 203.0.113.9 --for never", 2, "--for"},
		{"address block 203.0.113.9 --for 0s", 2, "leave it out for good"},
		{"address allow 203.0.113.9 --bindings 30001", 2, "allowed: up to 30000"},
		{"address allow 203.0.113.9 --reason " + strings.Repeat("x", 257), 2, "longer than 256 bytes"},
		{"address remove 203.0.113.9", 1, "203.0.113.9/32 is not in the list"},
		{"address block 10.0.0.0/7", 1, "10.0.0.0/7 is wider than a /8; with --yes"},
		{"explain", 2, "takes one REF"},
		{"explain 7qk2m4td", 1, "stile: no refusal 7QK2-M4TD is known here"},
		{"simulate --days 0", 2, "allowed: 1 to 31"},
		{"simulate --group cats", 2, `--group "cats" is unknown; allowed: home`},
		{"simulate --policy nothing.yaml", 1, "nothing.yaml: no such file"},
		{"usage --from 2026", 2, "YYYY-MM"},
		{"usage --format xml", 2, "--format"},
		{"key rotate --alg none", 2, "allowed: EdDSA, ES256, RS256"},
		{"tenant show nobody", 1, "stile: there is no tenant nobody; `stile tenant list` lists them"},
		{"tenant add no/body", 1, "client_id"},
		{"tenant remove nobody --yes", 1, "there is no tenant nobody"},
		{"content show nothing", 1, "there is no item \"nothing\""},
		{"content import nothing.jsonl", 1, "nothing was imported: open nothing.jsonl: no such file"},
		{"token show jti", 1, "no token of this jti"},
		{"token revoke a.b.c", 1, "the token is invalid"},
		{"token issue nobody", 1, "there is no tenant nobody"},
		{"usage --tenant nobody", 1, "there is no tenant nobody"},
		{"backup /nowhere/x.tar", 1, "/nowhere"},
		{"serve --listen 1", 1, "--listen: listen: \"1\" is not a valid address"},
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

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"Käse 日本": "Käse 日本", "a\x1b[31m": `"a\x1b[31m"`, "a\tb": `"a\tb"`, "a\nb\x00": "a\n" + `"b\x00"`, "\u202eb": `"\u202eb"`, "\xff": `"\xff"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q is printed as %s", text, got)
		}
	}
}
