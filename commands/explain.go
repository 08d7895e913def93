package commands

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

func (p *program) explainCommand() *cobra.Command {
	return p.prints(&cobra.Command{Use: "explain REF",
		Long: `Explain one refusal. REF is the reference that the visitor was shown; case and
hyphen don't matter. The explanation has the rule, its limit, the count, the token
or address that was counted, and what you can do.

Refusals are stored for 7 days. A refusal that was decided without stored
data, such as one for an invalid signature, is kept only while the server runs. Of
the refusals with the same address, tenant and code in one minute, only the first
is stored, with a count. The others are in memory, as long as there is space.`,
		Example: "  stile explain 7QK2-M4TD\n  stile explain 7qk2m4td --json",
		Args:    takes(1, 1, "one REF, such as 7QK2-M4TD"),
		RunE: func(c *cobra.Command, args []string) error {
			var f operations.RefusalInfo
			if err := p.run(c, operations.RefusalName{Ref: args[0]}, &f); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, f.RefusalView)
			}
			return p.explain(f)
		}})
}

// explain prints a refusal for people: the facts, then what they mean.
func (p *program) explain(f operations.RefusalInfo) error {
	facts := []string{"ref", f.Ref, "at", f.At.Format(time.RFC3339), "code", f.Code}
	for _, fact := range [][2]string{{"tenant", textOf(f.Tenant)}, {"who", textOf(f.Identity)}, {"from", textOf(f.Address)}, {"rule", ruleOf(f)}, {"page", textOf(f.Page)}} {
		if fact[1] != "" {
			facts = append(facts, fact[0], fact[1])
		}
	}
	if err := card(p.out, facts...); err != nil {
		return err
	}
	a, known := adviceOf(f)
	if !known {
		return nil // a code of a newer version
	}
	lines := []string{"", a.cause}
	if f.Count > 0 {
		lines = append(lines, fmt.Sprintf("It is one of %d refusals with the same address, tenant and code in that minute. They are stored and logged as one.", f.Count))
	}
	if f.Observed {
		lines = append(lines, "The rule is only observed (policy.observe): the request was admitted.")
	}
	if a.fix != "" {
		lines = append(lines, a.fix)
	}
	if change := changeOf(f); change != "" {
		lines = append(lines, change)
	}
	_, err := fmt.Fprintln(p.out, strings.Join(lines, "\n"))
	return err
}

// ruleOf returns the rule with its limit and the count.
func ruleOf(f operations.RefusalInfo) string {
	if f.Limit == nil {
		return textOf(f.Rule)
	}
	show := func(n int64) string { return strconv.FormatInt(n, 10) }
	if k, ok := settingOf(f); ok && k.Type() == "duration" { // in seconds
		show = func(n int64) string { return settings.Short(time.Duration(n) * time.Second) }
	}
	rule := textOf(f.Rule) + ": " + show(*f.Limit) + " allowed"
	if *f.Seen != 0 {
		rule += ", " + show(*f.Seen) + " seen"
	}
	return rule
}

// changeOf says how to change the rule; it returns "" if the rule is not a setting.
func changeOf(f operations.RefusalInfo) string {
	k, ok := settingOf(f)
	if !ok {
		return ""
	}
	if k.Tenant && f.Tenant != nil {
		return fmt.Sprintf("The rule is the setting %s. To change it for this tenant only: stile tenant set %s %s=…", k.Name, printable(*f.Tenant), k.Name)
	}
	return fmt.Sprintf("The rule is the server's setting %s. Change it in the settings file, and send the server SIGHUP.", k.Name)
}

// settingOf returns the setting that a refusal names as its rule.
func settingOf(f operations.RefusalInfo) (settings.Key, bool) {
	for _, k := range settings.Keys() {
		if k.Name == "policy."+textOf(f.Rule) {
			return k, true
		}
	}
	return settings.Key{}, false
}

// textOf returns the text of a field that may be null.
func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
