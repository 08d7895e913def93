package explanation

import (
	"strings"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
)

// sentences has what decided a refusal, by its rule. LIMIT and SEEN stand for the numbers.
var sentences = map[string]string{
	"token.calls":                  "The token has used SEEN of its LIMIT calls.",
	"token.records":                "The token's limit is LIMIT records, and the call would have brought it to SEEN.",
	"token.calls or token.records": "The token had used up its calls or its records earlier.",
	"token.bind_within":            "The token's first call came SEEN after its issue, and must come within LIMIT.",
	"lost states":                  "The server has lost the states of tokens, and the token may have been used before that.",
	"token.lifetime":               "The token's lifetime was over.",
	"spike.calls":                  "The token made SEEN calls within policy.spike.per, and LIMIT are admitted without a challenge.",
	"spike.suggestions":            "The token made SEEN requests for suggestions within policy.spike.per, and LIMIT are admitted without a challenge.",
	"roaming.addresses":            "The token's key was used from SEEN addresses within policy.roaming.per, and LIMIT are admitted without a challenge.",
	"challenge.ignored":            "The call is number SEEN with a challenge open, and LIMIT are answered with the challenge before the token dies.",
	"challenge.per_token":          "It is challenge SEEN of the token, and a token gets LIMIT.",
	"challenge.expires":            "The token's challenge had expired: it must be solved within LIMIT.",
	"address.bindings":             "The address has bound SEEN tokens within policy.address.per, and its budget is LIMIT.",
	"address.records":              "The address was delivered SEEN records within a day, and its budget is LIMIT.",
	"address.block":                "A rule has blocked the address for new tokens of the tenant.",
	"address list":                 "An operator has blocked the address.",
	"binding":                      "The token was used from outside its binding.",
	"calls_per_month":              "The tenant has used SEEN of its LIMIT calls of the calendar month.",
}

// Sentence says in one sentence what decided a refusal.
func Sentence(f Subject) string {
	text, known := sentences[f.Rule]
	switch {
	case known && codes.Code(f.Code) == codes.AddressBlocked && f.Rule == "address.bindings":
		text = "The address has bound SEEN tokens within policy.address.per with a budget of LIMIT, and solved too few challenges, so a rule blocked it."
	case !known:
		a, ok := adviceOf(f)
		if !ok {
			return "A newer version of stile refused the request, with the code " + safe(f.Code) + "."
		}
		text = a.cause
		if first, _, more := strings.Cut(text, ". "); more {
			text = first + "."
		}
	}
	text = strings.NewReplacer("LIMIT", amount(f.Refusal, f.Limit), "SEEN", amount(f.Refusal, f.Seen)).Replace(text)
	if f.Observed {
		text += " The rule is only observed, so the request was admitted."
	}
	return text
}

// Setting is the setting that decided a refusal.
type Setting struct {
	Name string `json:"name"`
	// The client_id of the tenant for which it can be changed; "": only for the server.
	Tenant string `json:"tenant,omitempty"`
}

// ofTenants has the settings of tenants that are not policy settings, by the rule.
var ofTenants = map[string]string{"calls_per_month": "calls_per_month", "sites": "sites", "site": "site", "no origin": "sites"}

// SettingOf returns the setting that decided a refusal, nil if none did.
func SettingOf(f refusals.Refusal) *Setting {
	if k, ok := keyOf(f); ok {
		s := &Setting{Name: k.Name}
		if k.Tenant {
			s.Tenant = f.Tenant
		}
		return s
	}
	if name := ofTenants[f.Rule]; name != "" && f.Tenant != "" {
		return &Setting{name, f.Tenant}
	}
	if f.Rule == "binding" {
		return &Setting{Name: "binding"}
	}
	return nil
}
