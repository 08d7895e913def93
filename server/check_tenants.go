package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations"
	"stile.example/stile/settings"
	"stile.example/stile/socket"
)

// tenantsOf returns the client_ids of all tenants: from the running server, or from the data
// directory.
func tenantsOf(ctx context.Context, s *settings.Settings, now func() time.Time) (names []string, err error) {
	c, err := socket.Dial(ctx, s.Data)
	if err == nil {
		defer c.Close()
		return tenantsOfServer(ctx, c)
	}
	if !errors.Is(err, socket.ErrNoServer) {
		return nil, err
	}
	d, err := datadir.OpenCurrent(ctx, s, now, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	for _, t := range d.Tenants.List() {
		names = append(names, t.ClientID)
	}
	return names, d.Close()
}

func tenantsOfServer(ctx context.Context, c *socket.Client) (names []string, err error) {
	op, ok := operations.Find("tenant list")
	if !ok {
		return nil, errors.New("tenant list: no such operation")
	}
	reply, err := c.Do(ctx, op, operations.Call{Input: json.RawMessage("{}")})
	if err != nil {
		return nil, err
	}
	var all []operations.TenantInfo
	if err := json.Unmarshal(reply, &all); err != nil {
		return nil, fmt.Errorf("read the list of tenants: %w", err)
	}
	for _, t := range all {
		names = append(names, t.ClientID)
	}
	return names, nil
}

// checkClients warns of clients of external issuers whose tenant does not exist. Why the tenants
// can't be read, if they can't, is a finding of the data directory.
func checkClients(ctx context.Context, s *settings.Settings, now func() time.Time, add report) {
	if len(s.Issuers) == 0 {
		return
	}
	known, err := tenantsOf(ctx, s, now)
	if err != nil {
		return
	}
	for _, i := range s.Issuers {
		for _, client := range slices.Sorted(maps.Keys(i.Clients)) {
			if tenant := i.Clients[client]; !slices.Contains(known, tenant) {
				add("issuer", Warning, "%s: its client %s belongs to a tenant that does not exist: %s", i.Issuer, client, noTenant(tenant))
			}
		}
	}
}

// noTenant says that a tenant does not exist, and what to do.
func noTenant(name string) string {
	return fmt.Sprintf("no tenant is named %s, so its tokens are refused; add it with `stile tenant add %s`, or correct the clients of its issuer", name, name)
}
