// Package explanation says what a refusal means to an operator: what decided, in one sentence
// ([Sentence]) and with its setting ([SettingOf]), the rule with its numbers ([Rule]), and what can
// be done ([Lines]). It does no I/O.
package explanation

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
	"stile.example/stile/settings"
)

// Subject is a refusal with what is known about it now.
type Subject struct {
	refusals.Refusal
	// Whether its page is one of the tenant's sites now, or else a site that is similar.
	IsSite   bool
	NearSite string
	// First is the refusal with which the token's refusals of this code began, nil if that is not
	// known or is this one.
	First *refusals.Refusal
}

// Lines returns what a refusal means, and what the operator can do: nothing for a code of a newer
// version.
func Lines(f Subject) []string {
	a, known := adviceOf(f)
	if !known {
		return nil
	}
	lines := []string{a.cause}
	if f.First != nil {
		lines = append(lines, firstLine(f.Code, *f.First))
	}
	if f.More > 0 {
		lines = append(lines, fmt.Sprintf("It is one of %d refusals with the same address, tenant and code in that minute. They are stored and logged as one.", 1+f.More))
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
func withTenant(fix string, f Subject) string {
	if f.Tenant == "" {
		return fix
	}
	return strings.ReplaceAll(fix, "CLIENT_ID", safe(f.Tenant))
}

// firstLine says when and from where a token's refusals began.
func firstLine(code string, f refusals.Refusal) string {
	what := "The token was first refused so"
	if code == string(codes.TokenHijacked) {
		what = "The first call from outside the binding came"
	}
	at := f.At.UTC().Format(time.RFC3339)
	if f.Address == "" {
		return fmt.Sprintf("%s at %s (ref %s).", what, at, f.Ref)
	}
	return fmt.Sprintf("%s at %s from %s (ref %s).", what, at, f.Address, f.Ref)
}

// Rule returns the rule of a refusal with its limit and the count; "" if it has none.
func Rule(f refusals.Refusal) string {
	if f.Limit == 0 && f.Seen == 0 {
		return f.Rule
	}
	rule := f.Rule + ": " + amount(f, f.Limit) + " allowed"
	if f.Seen != 0 {
		rule += ", " + amount(f, f.Seen) + " seen"
	}
	return rule
}

// amount writes a number of a rule: a duration, or a count.
func amount(f refusals.Refusal, n int64) string {
	if k, ok := keyOf(f); ok && k.Type() == "duration" { // in seconds
		return settings.Short(time.Duration(n) * time.Second)
	}
	return strconv.FormatInt(n, 10)
}

// changeOf says how to change the rule; it returns "" if the rule is not a setting.
func changeOf(f Subject) string {
	k, ok := keyOf(f.Refusal)
	if !ok {
		return ""
	}
	if k.Tenant && f.Tenant != "" {
		return fmt.Sprintf("The rule is the setting %s. To change it for this tenant only: stile tenant set %s %s=…", k.Name, safe(f.Tenant), k.Name)
	}
	return fmt.Sprintf("The rule is the server's setting %s. Change it in the settings file, and send the server SIGHUP.", k.Name)
}

// keyOf returns the setting that a refusal names as its rule.
func keyOf(f refusals.Refusal) (settings.Key, bool) {
	k, ok := keys["policy."+f.Rule]
	return k, ok
}

// keys has every setting by its name. A list explains a hundred refusals.
var keys = func() map[string]settings.Key {
	all := map[string]settings.Key{}
	for _, k := range settings.Keys() {
		all[k.Name] = k
	}
	return all
}()

// safe quotes a text from outside that has characters which a terminal would interpret.
func safe(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(text)
	}
	return text
}
