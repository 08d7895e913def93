// Package explanation says what a refusal means to an operator: its facts ([Facts]), then the cause
// and what can be done ([Lines]). It does no I/O: the command `stile explain` prints both.
package explanation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/commands/printing"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
)

// Facts returns the facts of a refusal, as pairs of a name and a value.
func Facts(f operations.RefusalInfo) []string {
	facts := []string{"ref", f.Ref, "at", f.At.Format(time.RFC3339), "code", f.Code}
	for _, fact := range [][2]string{{"tenant", textOf(f.Tenant)}, {"who", textOf(f.Identity)}, {"from", textOf(f.Address)}, {"rule", ruleOf(f)}, {"page", textOf(f.Page)}, {"detail", textOf(f.Detail)}} {
		if fact[1] != "" {
			facts = append(facts, fact[0], fact[1])
		}
	}
	return facts
}

// Lines returns what a refusal means, and what the operator can do: nothing for a code of a newer
// version.
func Lines(f operations.RefusalInfo) []string {
	a, known := adviceOf(f)
	if !known {
		return nil
	}
	lines := []string{a.cause}
	if f.First != nil {
		lines = append(lines, firstLine(f.Code, *f.First))
	}
	if f.Count > 0 {
		lines = append(lines, fmt.Sprintf("It is one of %d refusals with the same address, tenant and code in that minute. They are stored and logged as one.", f.Count))
	}
	if f.Observed {
		lines = append(lines, "The rule is only observed (policy.observe): the request was admitted.")
	}
	if a.fix != "" {
		lines = append(lines, withTenant(a.fix, f))
	}
	if change := changeOf(f); change != "" {
		lines = append(lines, change)
	}
	return lines
}

// withTenant returns an advice with the refusal's tenant in its commands, if that is known.
func withTenant(fix string, f operations.RefusalInfo) string {
	if f.Tenant == nil {
		return fix
	}
	return strings.ReplaceAll(fix, "CLIENT_ID", printing.Safe(*f.Tenant))
}

// firstLine says when and from where a token's refusals began.
func firstLine(code string, f operations.FirstRefusal) string {
	what := "The token was first refused so"
	if code == string(codes.TokenHijacked) {
		what = "The first call from outside the binding came"
	}
	if f.Address == "" {
		return fmt.Sprintf("%s at %s (ref %s).", what, f.At.Format(time.RFC3339), f.Ref)
	}
	return fmt.Sprintf("%s at %s from %s (ref %s).", what, f.At.Format(time.RFC3339), f.Address, f.Ref)
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
		return fmt.Sprintf("The rule is the setting %s. To change it for this tenant only: stile tenant set %s %s=…", k.Name, printing.Safe(*f.Tenant), k.Name)
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
