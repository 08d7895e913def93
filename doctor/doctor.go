// Package doctor finds what is wrong with a tenant's integration, from what the server counted in
// the last days: see package evidence.
//
// [Examine] is pure. It returns findings, the most severe first. Each says what was found, on which
// evidence (counts and one example reference), and what to change, with the line of code. A finding
// changes nothing: much of the evidence is not verified, since anyone can send a request that names
// a tenant.
//
// One file has the checks about each part: tokens.go, pages.go, claims.go, account.go, usual.go.
package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/evidence"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // most visitors see no content, or soon will
	Warning  Severity = "warning"  // some visitors are affected
	Notice   Severity = "notice"   // nobody is affected yet
)

// Finding is one thing that is wrong. Its Finding is the same text whatever the counts are.
type Finding struct {
	Finding  string   `json:"finding"`
	Severity Severity `json:"severity"`
	Evidence string   `json:"evidence"`
	Fix      string   `json:"fix"`
}

// Facts is what is known about a tenant in addition to the evidence.
type Facts struct {
	ClientID   string
	API        string // the public URL
	Sites      []string
	Callbacks  []string // patterns of the setting callbacks
	Suspended  bool
	Secrets    int   // that are valid
	HasKeys    bool  // it may authenticate by private_key_jwt
	Quota      int64 // calls in a month; 0: no limit
	Used       int64 // of the quota, this month
	Calls      int64 // admitted, on the days of the evidence
	EverCalled bool
	Others     []Traffic // the other tenants', to compare with
	// Kept reports whether a reference can still be explained; nil: each can.
	Kept func(ref string) bool
	// ForTenant says that the tenant reads the findings: they have no commands, and nothing about
	// other tenants.
	ForTenant bool
}

// Traffic is how many calls a tenant had, and how many refusals.
type Traffic struct{ Calls, Refused int64 }

// Checked lists what [Examine] looks for, for the case that it finds nothing.
var Checked = []string{
	"tokens that several browsers use (a back-end or a CDN that caches them)",
	"tokens that are used after their end, and tokens that are used too late",
	"far more tokens than visitors, and tokens that nobody uses",
	"pages outside the listed sites, and pages that hide their origin",
	"a client_id and a token of different tenants",
	"callbacks that are not allowed",
	"wrong clocks: of browsers, of the tenant's server, of an external issuer",
	"an audience or an issuer that is misspelt or another one",
	"client credentials that are wrong or expired",
	"more refusals than other tenants have",
	"quota, suspension, secrets, sites and missing calls",
}

// The thresholds. Single events are normal: somebody tries something, a visitor changes networks, a
// link is copied. All of them are for the days of the evidence.
const (
	fewTimes   = 3   // the same error three times is not a typing error that somebody has corrected
	manyTimes  = 20  // so often, the page or server does it by itself
	manyTokens = 200 // fewer tokens say nothing about a ratio: a developer reloads a page that often

	// A copied token shows one other browser, and a visitor who changes networks gets a new token at
	// once. A cache shows the same in several tokens, or many browsers in one.
	otherBrowsers    = 2 // in each of fewTimes tokens
	otherBrowsersOne = 4 // in a single token

	repeats = 5  // calls with one ended token: the widget layer stops after the first
	seconds = 60 // over which they are spread: calls that were waiting together don't count

	perVisitor = 10 // tokens that a visitor has in a day: one for each tab
	unused     = 4  // of so many issued tokens, at most one is used

	quotaNearly = 90 // % of the month's calls

	// The others' median is exceeded by chance in small numbers, and a share of 2 % is normal.
	usualFactor  = 3
	usualRefused = 50
	usualShare   = 2 // %
	usualTenants = 3 // fewer others have no meaningful median, and could be recognised in it
	usualCalls   = 100
)

// Examine returns what is wrong with a tenant's integration, the most severe first. No finding is a
// good result: [Checked] says what was looked for.
func Examine(f Facts, list []evidence.Entry) []Finding {
	e := &examination{Facts: f, sums: sumsOf(list), visits: visitsOf(list), found: []Finding{}}
	for _, check := range checks {
		check(e)
	}
	rank := func(s Severity) int { return slices.Index([]Severity{Critical, Warning, Notice}, s) }
	slices.SortStableFunc(e.found, func(a, b Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	return e.found
}

// checks are all checks, in the order of equally severe findings.
var checks = []func(*examination){
	(*examination).suspended, (*examination).quota, (*examination).credentials, (*examination).secrets,
	(*examination).cached, (*examination).notRenewed, (*examination).late, (*examination).tooMany, (*examination).unused,
	(*examination).pages, (*examination).unmarked, (*examination).clients, (*examination).otherTokens, (*examination).callbacks,
	(*examination).clocks, (*examination).browserClocks, (*examination).claims,
	(*examination).unusual, (*examination).sites, (*examination).calls,
}

// examination collects the findings about one tenant.
type examination struct {
	Facts
	sums   map[evidence.Kind][]evidence.Entry // by key, the most frequent first
	visits int64                              // see visitsOf
	found  []Finding
}

// sumsOf adds up the days.
func sumsOf(list []evidence.Entry) map[evidence.Kind][]evidence.Entry {
	type name struct {
		kind evidence.Kind
		key  string
	}
	byName := map[name]*evidence.Entry{}
	for _, e := range list {
		n := name{e.Kind, e.Key}
		if byName[n] == nil {
			byName[n] = &evidence.Entry{Tenant: e.Tenant, Day: e.Day, Kind: e.Kind, Key: e.Key}
		}
		byName[n].Add(e)
	}
	sums := map[evidence.Kind][]evidence.Entry{}
	for _, e := range byName {
		sums[e.Kind] = append(sums[e.Kind], *e)
	}
	for _, list := range sums {
		slices.SortFunc(list, func(a, b evidence.Entry) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Key, b.Key))
		})
	}
	return sums
}

// only returns a kind's entries for which fit is true.
func (e *examination) only(k evidence.Kind, fit func(evidence.Entry) bool) (list []evidence.Entry) {
	for _, one := range e.sums[k] {
		if fit(one) {
			list = append(list, one)
		}
	}
	return list
}

// about returns a kind's entries whose keys begin with a word, with the rest of these keys.
func (e *examination) about(k evidence.Kind, word string) (list []evidence.Entry) {
	for _, one := range e.sums[k] {
		if rest, is := strings.CutPrefix(one.Key, word+" "); is {
			one.Key = rest
			list = append(list, one)
		}
	}
	return list
}

// total returns the sum of entries.
func total(list []evidence.Entry) (sum evidence.Entry) {
	for _, one := range list {
		sum.Add(one)
	}
	return sum
}

// add adds a finding. The evidence gets the days and the example's reference.
func (e *examination) add(s Severity, finding, ref, fix, evidenceFormat string, args ...any) {
	text := fmt.Sprintf(evidenceFormat, args...)
	if ref != "" && (e.Kept == nil || e.Kept(ref)) {
		text += " Example: ref " + ref + "."
	}
	e.found = append(e.found, Finding{finding, s, text, fix})
}

// days says over which days evidence was counted.
var days = fmt.Sprintf("In the last %d days, ", evidence.Keep)

// forReader returns what an operator must do, or what the tenant can do.
func (e *examination) forReader(operator, tenant string) string {
	if e.ForTenant {
		return tenant
	}
	return operator
}

// named returns the first keys of a list, with their counts.
func named(list []evidence.Entry) string {
	const most = 3
	var texts []string
	more := int64(0)
	for _, one := range list {
		if one.Key == evidence.Others || len(texts) == most {
			more += one.Count
			continue
		}
		texts = append(texts, fmt.Sprintf("%s (%d)", one.Key, one.Count))
	}
	if more > 0 {
		texts = append(texts, fmt.Sprintf("others (%d)", more))
	}
	return strings.Join(texts, ", ")
}
