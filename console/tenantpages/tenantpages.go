// Package tenantpages is the console's pages about tenants and what they use: the list, a tenant
// with its sites, policy and secrets, and the usage by day, route and tenant.
//
// Other packages add parts to the page of a tenant under the name [TenantPage].
package tenantpages

import (
	_ "embed"
	"time"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

// TenantPage is the name of a tenant's page for [frame.Frame.Part]. The request has the path value
// client_id.
const TenantPage = "tenant"

var (
	//go:embed tenants.html
	tenantsHTML string
	//go:embed tenant.html
	tenantHTML string
	//go:embed secret.html
	secretHTML string
	//go:embed usage.html
	usageHTML string
)

// Add adds the pages and forms.
func Add(f *frame.Frame) {
	f.Page(frame.Page{Path: "/tenants", Section: "tenants", Role: operations.Viewer, Title: "Tenants", Template: tenantsHTML, Data: list})
	f.Page(frame.Page{Path: "/tenants/{client_id}", Section: "tenants", Role: operations.Viewer, Template: tenantHTML, Data: show})
	f.Page(frame.Page{Path: "/usage", Section: "usage", Role: operations.Viewer, Title: "Usage", Template: usageHTML, Data: usagePage})
	form := func(path string, show func(*frame.Request) (frame.FormView, error), do func(*frame.Request, frame.Values) (frame.Done, error)) frame.Form {
		return frame.Form{Path: path, Section: "tenants", Role: operations.Operator, Show: show, Do: do}
	}
	add := form("/add/tenant", addForm, addTenant)
	rotate := form("/tenants/{client_id}/secret", rotateForm, rotateSecret)
	add.Result, rotate.Result = secretHTML, secretHTML
	f.Form(add)
	f.Form(rotate)
	f.Form(form("/tenants/{client_id}/edit", editForm, editTenant))
	f.Form(form("/tenants/{client_id}/setting", settingForm, setSetting))
	f.Form(form("/tenants/{client_id}/suspend", suspendForm, suspend))
	f.Form(form("/tenants/{client_id}/resume", resumeForm, resume))
	f.Form(form("/tenants/{client_id}/remove", removeForm, remove))
}

// info is what the pages read of a tenant.
type info struct {
	ClientID       string            `json:"client_id"`
	Name           string            `json:"name"`
	Sites          []string          `json:"sites"`
	Status         string            `json:"status"`
	CallsPerMonth  int64             `json:"calls_per_month"`
	CallsThisMonth int64             `json:"calls_this_month"`
	Policy         map[string]string `json:"policy"`
	Prices         []price           `json:"prices"`
	Currency       string            `json:"currency"`
	CreatedAt      time.Time         `json:"created_at"`
	Holdings       *struct {
		Items      int  `json:"items"`
		LiveTokens int  `json:"live_tokens"`
		Secrets    int  `json:"secrets"`
		HasKeys    bool `json:"has_keys"`
	} `json:"holdings"`
}

// name names a tenant, as the input of operations.
type name struct {
	ClientID string `json:"client_id"`
}

// title returns how pages call a tenant.
func (t info) title() string {
	if t.Name != "" {
		return t.Name
	}
	return t.ClientID
}

// path returns the path of a tenant's page, or of a form below it.
func (t info) path(below ...string) string {
	return frame.Path(append([]string{"tenants", t.ClientID}, below...)...)
}

// find returns the tenant of a request's path.
func find(r *frame.Request) (info, error) {
	return frame.Do[name, info](r, "tenant show", name{r.PathValue("client_id")})
}
