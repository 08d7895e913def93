package lists

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
	"stile.example/stile/operations"
)

// Explain returns the command `stile explain`.
func (p Commands) Explain() *cobra.Command {
	return p.Prints(&cobra.Command{Use: "explain REF",
		Long: `Explain one refusal. REF is the reference that the visitor was shown; case and
hyphen don't matter. The explanation has the rule, its limit, the count, the token
(by its jti) or address that was counted, what decided in words, and what you can
do.

Refusals are stored for 7 days. A refusal that was decided without stored
data, such as one for an invalid signature, is kept only while the server runs. Of
the refusals with the same address, tenant and code in one minute, only the first
is stored, with a count. The others are in memory, as long as there is space.`,
		Example: "  stile explain 7QK2-M4TD\n  stile explain 7qk2m4td --json",
		Args:    syntax.Takes(1, 1, "one REF, such as 7QK2-M4TD"),
		RunE: func(c *cobra.Command, args []string) error {
			var f operations.RefusalInfo
			if err := p.Run(c, operations.RefusalName{Ref: args[0]}, &f); err != nil {
				return err
			}
			if p.JSON() {
				return printing.JSON(p.Out(), f.RefusalView)
			}
			return p.explain(f)
		}})
}

// explain prints a refusal for people: the facts, then what they mean.
func (p Commands) explain(f operations.RefusalInfo) error {
	out := p.Text()
	if err := printing.Card(out, factsOf(f)...); err != nil {
		return err
	}
	if len(f.Explanation) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\n%s\n", strings.Join(f.Explanation, "\n"))
	return err
}

// factsOf returns the facts of a refusal, as pairs of a name and a value.
func factsOf(f operations.RefusalInfo) []string {
	facts := []string{"ref", f.Ref, "at", f.At.Format(time.RFC3339), "code", f.Code}
	for _, fact := range [][2]string{{"tenant", textOf(f.Tenant)}, {"who", textOf(f.Identity)}, {"from", textOf(f.Address)}, {"rule", f.RuleText}, {"page", textOf(f.Page)}, {"detail", textOf(f.Detail)}} {
		if fact[1] != "" {
			facts = append(facts, fact[0], fact[1])
		}
	}
	return facts
}
