package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
)

func (p *program) explainCommand() *cobra.Command {
	return p.prints(&cobra.Command{Use: "explain REF", Short: "why a call was refused",
		Long: `Shows the whole decision behind a refusal, by the reference that the visitor was
shown: what happened, by which rule, with its limit and what was counted, of whom,
and what can be done about it. Refusals are kept for 7 days; those that nothing
stored decides, such as a bad signature, only while the server runs. Of one address,
tenant and code the first refusal of a minute is stored, with their number; the
others are known as long as the server has them in memory. Case and hyphen of REF
don't matter.`,
		Example: "  stile explain 7QK2-M4TD\n  stile explain 7qk2m4td --json",
		Args:    takes(1, 1, "one REF, such as 7QK2-M4TD"),
		RunE: func(c *cobra.Command, args []string) error {
			var f refusals.Refusal
			if err := p.run(c.Context(), "explain", args[0], &f); err != nil {
				return err
			}
			if p.json {
				return writeJSON(p.out, viewRefusal(f))
			}
			return p.explain(f)
		}})
}

// refusalView is what --json prints of a refusal; null is what there is none of.
type refusalView struct {
	Ref      string    `json:"ref"`
	At       time.Time `json:"at"`
	Tenant   *string   `json:"tenant"`
	Code     string    `json:"code"`
	Rule     *string   `json:"rule"`
	Limit    *int64    `json:"limit"`
	Seen     *int64    `json:"seen"`
	Identity *string   `json:"identity"`
	Address  *string   `json:"address"`
	Count    int64     `json:"count,omitempty"` // of that minute, if there is more than this one
}

func viewRefusal(f refusals.Refusal) refusalView {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	v := refusalView{Ref: f.Ref, At: f.At.UTC(), Tenant: text(f.Tenant), Code: f.Code, Rule: text(f.Rule), Identity: text(f.Identity), Address: text(f.Address)}
	if f.Limit != 0 || f.Seen != 0 {
		v.Limit, v.Seen = &f.Limit, &f.Seen
	}
	if f.More > 0 {
		v.Count = 1 + f.More
	}
	return v
}

func explainRefusal(ctx context.Context, a *app, ref string) (refusals.Refusal, error) {
	f, err := a.refusals.Find(ctx, ref)
	if errors.Is(err, refusals.ErrNotFound) {
		return f, fmt.Errorf("no refusal %s is known here: it is older than 7 days, was counted with others of its address, tenant, code and minute, or is another server's", refusals.CanonicalRef(ref))
	}
	return f, err
}

// explain writes a refusal for people: the facts, then what they mean.
func (p *program) explain(f refusals.Refusal) error {
	facts := []string{"ref", f.Ref, "at", f.At.UTC().Format(time.RFC3339), "code", f.Code}
	for _, fact := range [][2]string{{"tenant", f.Tenant}, {"who", f.Identity}, {"from", f.Address}, {"rule", ruleOf(f)}} {
		if fact[1] != "" {
			facts = append(facts, fact[0], fact[1])
		}
	}
	if err := card(p.out, facts...); err != nil {
		return err
	}
	a, known := adviceByCode[codes.Code(f.Code)]
	if !known {
		return nil // of a newer version's: the facts are all there is
	}
	lines := []string{"", a.cause}
	if f.More > 0 {
		lines = append(lines, fmt.Sprintf("It is one of %d such refusals of its address, tenant and code in that minute, which are stored and logged as one.", 1+f.More))
	}
	if f.Observed {
		lines = append(lines, "The rule is only observed (policy.observe): the request was let through.")
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

// ruleOf is the rule with its limit, and what was counted against it.
func ruleOf(f refusals.Refusal) string {
	if f.Limit == 0 && f.Seen == 0 {
		return f.Rule
	}
	show := func(n int64) string { return strconv.FormatInt(n, 10) }
	if k, ok := settingOf(f); ok && k.Type() == "duration" { // they are told in seconds
		show = func(n int64) string { return settings.Short(time.Duration(n) * time.Second) }
	}
	rule := f.Rule + ": " + show(f.Limit) + " allowed"
	if f.Seen != 0 {
		rule += ", " + show(f.Seen) + " seen"
	}
	return rule
}

// changeOf says how the rule is changed, where it is a setting.
func changeOf(f refusals.Refusal) string {
	k, ok := settingOf(f)
	if !ok {
		return ""
	}
	if k.Tenant && f.Tenant != "" {
		return fmt.Sprintf("The rule is the setting %s. For this tenant alone: stile tenant set %s %s=…", k.Name, printable(f.Tenant), k.Name)
	}
	return fmt.Sprintf("The rule is the server's setting %s; on SIGHUP a running server takes a change over.", k.Name)
}

// settingOf is the setting that a refusal names as its rule.
func settingOf(f refusals.Refusal) (settings.Key, bool) {
	for _, k := range settings.Keys() {
		if k.Name == "policy."+f.Rule {
			return k, true
		}
	}
	return settings.Key{}, false
}
