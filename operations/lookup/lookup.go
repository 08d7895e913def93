// Package lookup finds the tenants that the inputs of operations name.
package lookup

import (
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
