// Package lookup finds the tenants that the inputs of operations name.
package lookup

import (
	"strings"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/tenants"
)

// Tenant returns the tenant of a client_id, or an error that says what to do.
func Tenant(d *datadir.Dir, clientID string) (*tenants.Tenant, error) {
	t, ok := d.Tenants.Find(clientID)
	if !ok {
		return nil, Unknown(clientID)
	}
	return t, nil
}

// Number returns the number of a tenant; 0, which means none or the shared corpus, for an empty
// client_id.
func Number(d *datadir.Dir, clientID string) (uint32, error) {
	if clientID == "" {
		return 0, nil
	}
	t, err := Tenant(d, clientID)
	if err != nil {
		return 0, err
	}
	return t.Number, nil
}

// Unknown returns the error for a client_id that no tenant has.
func Unknown(clientID string) error {
	return failure.New(failure.NotFound, "there is no tenant %s; `stile tenant list` lists the tenants, `stile tenant add` adds one", clientID)
}

// Query selects tenants. An empty field does not limit it.
type Query struct {
	// is in the client_id, the name or a site, in any case
	Q      string         `json:"q,omitempty"`
	Status tenants.Status `json:"status,omitempty"` // active or suspended
}

// Check returns an error if the status is unknown.
func (q Query) Check() error {
	if q.Status == "" || q.Status == tenants.Active || q.Status == tenants.Suspended {
		return nil
	}
	return failure.New(failure.Invalid, "status %.40q: must be active or suspended", string(q.Status))
}

// Selects reports whether the query selects a tenant.
func (q Query) Selects(t *tenants.Tenant) bool {
	word := strings.ToLower(strings.TrimSpace(q.Q))
	text := strings.ToLower(t.ClientID + "\n" + t.Name + "\n" + strings.Join(t.Sites, "\n"))
	return (q.Status == "" || q.Status == t.Status) && strings.Contains(text, word)
}
