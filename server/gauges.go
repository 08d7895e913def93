package server

import (
	"context"

	"stile.example/stile/history"
)

// gauges returns how many tokens are live, and how many lines the address list has, by tenant. The
// gauges of "" are those of all tenants together.
func (srv *Server) gauges(ctx context.Context) (map[string]history.Counts, error) {
	d := srv.dir
	live, err := d.LiveTokens(ctx)
	if err != nil {
		return nil, err
	}
	lines, err := d.Addresses.Lines(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	all := map[string]history.Counts{"": {history.Live: 0, history.Allowed: 0, history.Blocked: 0, history.Crowded: 0}}
	add := func(tenant string, n history.Name, v int64) {
		all[""][n] += v
		if tenant == "" {
			return
		}
		if all[tenant] == nil {
			all[tenant] = history.Counts{}
		}
		all[tenant][n] += v
	}
	for number, n := range live {
		add(d.TenantName(number), history.Live, int64(n))
	}
	for _, l := range lines {
		add(d.TenantName(l.Tenant), map[string]history.Name{"allow": history.Allowed, "block": history.Blocked, "crowded": history.Crowded}[l.Kind], 1)
	}
	return all, nil
}
