package tenantpages

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
	"stile.example/stile/operations/failure"
	"stile.example/stile/usage"
)

// secret is what is shown once.
type secret struct {
	operations.Credentials
	Note     string
	Snippets []frame.Snippet
}

var (
	sitesField = frame.Field{Name: "sites", Label: "Sites", Kind: "textarea", Mono: true, Placeholder: "https://www.acme.example",
		Help: "Origins of the tenant’s pages, one a line. Only these pages may use the tenant’s tokens. Without sites, any page may."}
	quotaField    = frame.Field{Name: "calls_per_month", Label: "Quota", Kind: "number", Help: "Calls in a calendar month (UTC). Empty or 0: no limit."}
	insecureField = frame.Field{Name: "insecure", Label: "Allow sites with plain http", Kind: "checkbox",
		Help: "Only for tests and intranets: anyone in the network can read and change such pages, and take their tokens."}
)

func addForm(r *frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Add a tenant", Button: "Add the tenant", Cancel: "/tenants", Fields: append([]frame.Field{
		{Name: "client_id", Label: "client_id", Required: true, Mono: true, Placeholder: "acme", Help: "1 to 64 letters, digits, dots, hyphens and underscores. It is in the tenant’s pages, and can’t be changed."},
		{Name: "name", Label: "Name of the organisation", Placeholder: "Acme Ltd"},
		sitesField, insecureField, quotaField,
	}, newPriceFields(usage.Day(r.Now()))...)}, nil
}

func addTenant(r *frame.Request, v frame.Values) (frame.Done, error) {
	ch := operations.TenantChange{ClientID: v.Text("client_id")}
	name := v.Text("name")
	ch.Name = &name
	if err := readQuota(v, &ch); err != nil {
		return frame.Done{}, err
	}
	if err := addedPrices(v, usage.Day(r.Now()), &ch); err != nil {
		return frame.Done{}, err
	}
	ch.AddSites, ch.InsecureSites = split(v.Lines("sites"), v.Get("insecure") != "")
	made, err := frame.Do[operations.TenantChange, operations.Credentials](r, "tenant add", ch)
	if err != nil {
		return frame.Done{}, at(err)
	}
	return frame.Done{Title: "Tenant added", Data: secret{made, "", snippets(r, made.ClientID)}, To: frame.Path("tenants", made.ClientID), Again: newSecret(made.ClientID)}, nil
}

// split divides sites into those that must have https and those that may have plain http.
func split(sites []string, insecure bool) (secure, plain []string) {
	for _, site := range sites {
		if insecure && strings.HasPrefix(strings.ToLower(site), "http://") {
			plain = append(plain, site)
		} else {
			secure = append(secure, site)
		}
	}
	return secure, plain
}

func readQuota(v frame.Values, ch *operations.TenantChange) error {
	text := strings.ReplaceAll(v.Text("calls_per_month"), ",", "")
	if text == "" {
		text = "0"
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return frame.About("calls_per_month", failure.New(failure.Invalid, "quota %.40q: must be a whole number, or 0 for no limit", v.Get("calls_per_month")))
	}
	ch.CallsPerMonth = &n
	return nil
}

// fieldOf has the field that a line of an error is about, by how the line begins.
var fieldOf = map[string]string{"client_id": "client_id", "the tenant ": "client_id", "name": "name", "site": "sites", "calls_per_month": "calls_per_month",
	"currency": "currency", "price since": "call", "price of a record": "record", "tier": "tiers"}

// at puts an error of an operation at the fields that it names. It may have a line for each
// problem.
func at(err error) error {
	kind := failure.KindOf(err)
	if kind == failure.Fault {
		return err
	}
	var all []error
	found := false
	for line := range strings.Lines(strings.TrimPrefix(err.Error(), "add tenant: ")) {
		one := failure.New(kind, "%s", strings.TrimSuffix(line, "\n"))
		for prefix, field := range fieldOf {
			if strings.HasPrefix(line, prefix) {
				one, found = frame.About(field, one), true
				break
			}
		}
		all = append(all, one)
	}
	if !found {
		return err
	}
	return errors.Join(all...)
}

func editForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	sites, insecure, quota := sitesField, insecureField, quotaField
	sites.Value = strings.Join(t.Sites, "\n")
	if slices.ContainsFunc(t.Sites, func(s string) bool { return strings.HasPrefix(s, "http://") }) {
		insecure.Value = "yes"
	}
	if t.CallsPerMonth > 0 {
		quota.Value = strconv.FormatInt(t.CallsPerMonth, 10)
	}
	fields := []frame.Field{{Name: "name", Label: "Name of the organisation", Value: t.Name}, sites, insecure}
	if len(t.Sites) > 0 {
		fields = append(fields, frame.Field{Name: "any", Label: "Without sites: let any page use the tenant’s tokens", Kind: "checkbox"})
	}
	seen, err := frame.Seen(r, "tenant set", operations.TenantChange{ClientID: t.ClientID})
	return frame.FormView{Title: "Edit " + t.ClientID, Button: "Save", Cancel: t.path(), Fields: append(fields, quota, seen)}, err
}

func editTenant(r *frame.Request, v frame.Values) (frame.Done, error) {
	t, err := find(r)
	if err != nil {
		return frame.Done{}, err
	}
	name := v.Text("name")
	ch := operations.TenantChange{ClientID: t.ClientID, Name: &name}
	if err := readQuota(v, &ch); err != nil {
		return frame.Done{}, err
	}
	sites := v.Lines("sites")
	if len(sites) == 0 && len(t.Sites) > 0 {
		if v.Get("any") == "" {
			return frame.Done{}, frame.About("sites", failure.New(failure.Unconfirmed, "without sites, any page may use the tenant’s tokens; list the sites, or confirm that below"))
		}
		ch.Sites = &[]string{}
	}
	added := slices.DeleteFunc(slices.Clone(sites), func(s string) bool { return slices.Contains(t.Sites, s) })
	ch.AddSites, ch.InsecureSites = split(added, v.Get("insecure") != "")
	if ch.Sites == nil {
		ch.RemoveSites = slices.DeleteFunc(slices.Clone(t.Sites), func(s string) bool { return slices.Contains(sites, s) })
	}
	if _, err := frame.DoSeen[operations.TenantChange, info](r, v, "tenant set", ch); err != nil {
		return frame.Done{}, at(err)
	}
	return frame.Done{To: t.path(), Flash: "Changed " + t.ClientID + "."}, nil
}

func rotateForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	return frame.FormView{Title: "New secret for " + t.ClientID, Button: "Make a new secret", Cancel: t.path(),
		Text: []string{"The new secret is shown once. Until the overlap ends, the old secret is valid too, so that the tenant can replace it without an interruption."},
		Fields: []frame.Field{{Name: "overlap", Label: "Overlap", Value: "24h", Help: "How long the old secret stays valid, such as 1h, 24h or 7d. 0s: not at all. Use that only if the secret has leaked.",
			Required: true}}}, err
}

func rotateSecret(r *frame.Request, v frame.Values) (frame.Done, error) {
	var overlap operations.Duration
	if err := overlap.UnmarshalText([]byte(v.Text("overlap"))); err != nil {
		return frame.Done{}, frame.About("overlap", failure.Of(failure.Invalid, fmt.Errorf("overlap: %w", err)))
	}
	made, err := frame.Do[operations.SecretRotation, operations.Credentials](r, "tenant rotate-secret", operations.SecretRotation{ClientID: r.PathValue("client_id"), Overlap: overlap})
	if err != nil {
		return frame.Done{}, err
	}
	note := "The old secret is not valid any more."
	if overlap > 0 {
		note = "The old secret is valid for another " + v.Text("overlap") + "."
	}
	return frame.Done{Title: "New secret", Data: secret{made, note, nil}, To: frame.Path("tenants", made.ClientID), Again: newSecret(made.ClientID)}, nil
}

// newSecret returns the form that replaces a secret that was lost.
func newSecret(clientID string) frame.Crumb {
	return frame.Crumb{Text: "Make a new secret", Href: frame.Path("tenants", clientID, "secret")}
}

func suspendForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	return frame.FormView{Title: "Suspend " + t.ClientID + "?", Button: "Suspend " + t.ClientID, Danger: true, Cancel: t.path(),
		Text: []string{"All calls of the tenant are refused with tenant_suspended until you resume it. Its tokens, items and settings stay."}}, err
}

func suspend(r *frame.Request, _ frame.Values) (frame.Done, error) {
	return change(r, "tenant suspend", "%s is suspended. All its calls are refused.")
}

func resumeForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	return frame.FormView{Title: "Resume " + t.ClientID + "?", Button: "Resume " + t.ClientID, Cancel: t.path(),
		Text: []string{"The tenant’s calls are admitted again. Tokens that are still valid continue within their limits."}}, err
}

func resume(r *frame.Request, _ frame.Values) (frame.Done, error) {
	return change(r, "tenant resume", "%s is active again.")
}

// change performs an operation that needs only the tenant's name.
func change(r *frame.Request, operation, said string) (frame.Done, error) {
	t, err := frame.Do[name, info](r, operation, name{r.PathValue("client_id")})
	if err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: t.path(), Flash: fmt.Sprintf(said, t.ClientID)}, nil
}

func removeForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	text := "The tenant, its secrets, settings and own items are removed. Its usage stays, for statements. This can’t be undone."
	if h := t.Holdings; h != nil {
		text = fmt.Sprintf("The tenant has %s of its own and %s. ", frame.Count(int64(h.Items), "item"), frame.Count(int64(h.LiveTokens), "live token")) + text
	}
	return frame.FormView{Title: "Remove " + t.ClientID + "?", Button: "Remove " + t.ClientID, Danger: true, Cancel: t.path(), Text: []string{text},
		Fields: []frame.Field{{Name: "confirm", Label: "Type " + t.ClientID + " to confirm", Required: true, Mono: true}}}, err
}

func remove(r *frame.Request, v frame.Values) (frame.Done, error) {
	id := r.PathValue("client_id")
	if v.Text("confirm") != id {
		return frame.Done{}, frame.About("confirm", failure.New(failure.Unconfirmed, "must be %s; nothing was removed", id))
	}
	if _, err := frame.Do[name, operations.Removed](r, "tenant remove", name{id}); err != nil {
		return frame.Done{}, err
	}
	return frame.Done{To: "/tenants", Flash: "Removed " + id + "."}, nil
}

// settingForm sets one of a tenant's own settings: the one of the parameter name, or any.
func settingForm(r *frame.Request) (frame.FormView, error) {
	t, err := find(r)
	if err != nil {
		return frame.FormView{}, err
	}
	all, err := frame.Do[struct{}, []setting](r, "policy show", struct{}{})
	if err != nil {
		return frame.FormView{}, err
	}
	chosen := r.FormValue("name")
	which := frame.Field{Name: "name", Label: "Setting", Kind: "select", Required: true, Options: []frame.Option{{Value: "", Text: "Choose…"}}}
	value := frame.Field{Name: "value", Label: "Value", Mono: true, Value: t.Policy[chosen], Help: "Empty: the server’s value applies."}
	view := frame.FormView{Title: "Setting of " + t.ClientID, Button: "Save", Cancel: t.path()}
	for _, s := range all {
		if !s.Tenant {
			continue
		}
		which.Options = append(which.Options, frame.Option{Value: s.Name, Text: s.Name})
		if s.Name == chosen {
			view.Text = []string{s.Doc}
			value.Help = "Allowed: " + s.Allowed + ". Empty: the server’s value applies, which is " + s.shown() + "."
		}
	}
	view.Fields = []frame.Field{which, value}
	return view, nil
}

// setting is what the pages read of a setting.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Doc     string `json:"doc"`
	Allowed string `json:"allowed"`
	Tenant  bool   `json:"tenant"`
}

func (s setting) shown() string {
	if s.Value == "" {
		return "empty"
	}
	return s.Value
}

func setSetting(r *frame.Request, v frame.Values) (frame.Done, error) {
	which, value := v.Text("name"), v.Text("value")
	if which == "" {
		return frame.Done{}, frame.About("name", failure.Of(failure.Invalid, errors.New("choose a setting")))
	}
	t, err := frame.Do[operations.TenantChange, info](r, "tenant set", operations.TenantChange{ClientID: r.PathValue("client_id"), Policy: map[string]string{which: value}})
	if err != nil {
		return frame.Done{}, frame.About("value", err)
	}
	said := fmt.Sprintf("%s has %s = %s now.", t.ClientID, which, value)
	if value == "" {
		said = fmt.Sprintf("The server’s %s applies to %s now.", which, t.ClientID)
	}
	return frame.Done{To: t.path(), Flash: said}, nil
}
