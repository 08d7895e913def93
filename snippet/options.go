// Package snippet writes what a tenant's developers put into their site: the HTML of a page, the
// token endpoint of their server, and the policy of a page that has one. It is the only source of
// these texts, for the page /snippet, the console, `stile doctor` and the tenant's own view.
package snippet

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Options is what the snippet contains. [Parse] returns valid ones.
type Options struct {
	ClientID  string // "": not chosen yet
	TokenURL  string
	Show      string // one of Shows
	Framework string // one of Frameworks

	Label      string // of the search box
	Facets     string // names, separated by commas
	Collection string
	Layout     string // one of Layouts
	Link       string // the tenant's page for an item, with {id}; "": the publisher's page
	Item       string // the id of the item; "": from the page's URL
	DeepLink   string // one of DeepLinks
	Theme      string // one of Themes
	Lang       string // one of Langs
}

// Choice is a value of an option, and what the page calls it.
type Choice struct{ Value, Text string }

// The choices. The first is the default.
var (
	Shows      = []Choice{{"search", "A search box with results"}, {"list", "A list of items"}, {"item", "One item"}}
	Frameworks = []Choice{{"html", "HTML"}, {"react", "React"}, {"vue", "Vue"}}
	Layouts    = []Choice{{"", "One below the other"}, {"grid", "Grid"}, {"carousel", "Carousel (lists only)"}}
	DeepLinks  = []Choice{{"", "No"}, {"hash", "After the #"}, {"query", "In the query"}}
	Themes     = []Choice{{"", "As the page"}, {"light", "Light"}, {"dark", "Dark"}}
	Langs      = []Choice{{"", "As the page"}, {"en", "English"}, {"de", "Deutsch"}, {"fr", "Français"}, {"es", "Español"}, {"ja", "日本語"}}
)

// Bounds of the input, in bytes.
const (
	maxQuery    = 4 << 10
	maxClientID = 64
	maxText     = 200
)

// Faults says by parameter what is wrong with it.
type Faults map[string]string

// Parse reads options from a URL's query. A parameter that is missing or invalid has its default.
func Parse(query string) (Options, Faults) {
	o := Options{TokenURL: "/stile/token", Label: "Search", Facets: "tag", Link: "/recipes/{id}"}
	faults := Faults{}
	if len(query) > maxQuery {
		faults["client_id"] = "The URL of this page is too long."
		query = ""
	}
	given, err := url.ParseQuery(query)
	if err != nil {
		faults["client_id"] = "The URL of this page can’t be read, so every field has its default."
		given = url.Values{}
	}
	text := func(to *string, name string, valid func(string) string) {
		if !given.Has(name) {
			return
		}
		value := strings.TrimSpace(given.Get(name))
		if fault := valid(value); fault != "" {
			faults[name] = fault
			return
		}
		*to = value
	}
	text(&o.ClientID, "client_id", clientFault)
	text(&o.TokenURL, "token_url", tokenURLFault)
	text(&o.Label, "label", textFault)
	text(&o.Facets, "facets", textFault)
	text(&o.Collection, "collection", textFault)
	text(&o.Link, "link", linkFault)
	text(&o.Item, "item", textFault)
	for _, c := range []struct {
		to   *string
		name string
		from []Choice
	}{{&o.Show, "show", Shows}, {&o.Framework, "framework", Frameworks}, {&o.Layout, "layout", Layouts}, {&o.DeepLink, "deep_link", DeepLinks}, {&o.Theme, "theme", Themes}, {&o.Lang, "lang", Langs}} {
		*c.to = c.from[0].Value
		text(c.to, c.name, func(value string) string {
			if slices.ContainsFunc(c.from, func(one Choice) bool { return one.Value == value }) {
				return ""
			}
			return "The value in this page’s URL is unknown, so the default is used."
		})
	}
	return o, faults
}

// clientFault returns what is wrong with a client_id. It checks only how it is written.
func clientFault(id string) string {
	for _, c := range []byte(id) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return "A client_id has only letters, digits, dots, hyphens and underscores."
		}
	}
	if len(id) > maxClientID {
		return "A client_id has at most 64 characters."
	}
	return ""
}

func tokenURLFault(text string) string {
	if !validURL(text) {
		return "Use a path of your site, such as /stile/token, or an https URL."
	}
	return ""
}

func linkFault(text string) string {
	switch {
	case text == "":
		return ""
	case !validURL(strings.NewReplacer("{id}", "x", "{collection}", "x").Replace(text)):
		return "Use a path of your site, such as /recipes/{id}, or an https URL."
	case !strings.Contains(text, "{id}"):
		return "The link must contain {id}, where the id of the item belongs."
	}
	return ""
}

// validURL reports whether a text is a path from the root of a site, or an absolute http or https
// URL.
func validURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxText || strings.ContainsAny(text, " \"'<>\\`{}") || textFault(text) != "" {
		return false
	}
	switch u.Scheme {
	case "":
		return strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//")
	case "http", "https":
		return u.Host != "" && u.User == nil
	}
	return false
}

func textFault(text string) string {
	if len(text) > maxText {
		return "This text is too long."
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d' }) {
		return "This text contains invisible characters."
	}
	return ""
}
