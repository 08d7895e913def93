package commands

import (
	"context"
	"errors"
	"fmt"

	"stile.example/stile/content"
	"stile.example/stile/static"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

const demoTenant = "demo"

// prepareDemo brings the demo corpus and the demo tenant up to date, and says
// what can be tried. The tenant gets a new secret each time: only its hash is
// kept, so the old one cannot be shown again.
func (p *program) prepareDemo(ctx context.Context, srv *server) error {
	src := content.Source{Path: "demo/corpus.jsonl", Reader: static.DemoCorpus(srv.origin), Format: content.JSONL}
	result, err := srv.app.db.Import(ctx, content.ImportOptions{}, content.Read(ctx, src)) // no Prune: other items may be there
	if err != nil {
		return fmt.Errorf("import the demo corpus: %w", err)
	}
	if err := srv.app.weigh(ctx); err != nil {
		return err
	}
	items := 0
	for _, n := range result.Collections {
		items += n
	}
	name := "Demo"
	price := tenants.Price{Since: usage.Day(p.now()), Micros: 1000}
	made, err := addTenant(ctx, srv.app, tenantChange{ClientID: demoTenant, Name: &name, Prices: []tenants.Price{price}})
	if _, there := srv.app.tenants.Find(demoTenant); err != nil && there {
		active := tenants.Active
		_, bad := setTenant(ctx, srv.app, tenantChange{ClientID: demoTenant, Status: &active})
		made, err = rotateSecret(ctx, srv.app, rotation{ClientID: demoTenant})
		err = errors.Join(bad, err)
	}
	if err != nil {
		return fmt.Errorf("prepare the demo tenant: %w", err)
	}
	admin := "http://" + srv.doors[1].listener.Addr().String()
	_, err = fmt.Fprintf(p.out, banner, items, len(result.Collections), srv.origin, admin, made.Secret)
	return err
}

// banner is what the demo says: %[1]d items in %[2]d collections, %[3]s the
// public URL, %[4]s the admin listener's, %[5]s the secret.
const banner = `
stile serves a demo corpus, the countries of the world: %[1]d items in %[2]d collections.

  content API   %[3]s
  metrics       %[4]s/metrics

Try it: get a token as a tenant's server does, and call the API as a browser does.

  curl -s "%[3]s/v1/items?q=island&limit=3&client_id=demo" -H "Authorization: Bearer $(curl -s -u demo:%[5]s -d grant_type=client_credentials %[3]s/oauth/token | cut -d'"' -f4)"

More to try, with a token of your own:

  TOKEN=$(curl -s -u demo:%[5]s -d grant_type=client_credentials %[3]s/oauth/token | cut -d'"' -f4)
  curl -s "%[3]s/v1/suggest?q=new&client_id=demo" -H "Authorization: Bearer $TOKEN"        # as you type
  curl -s "%[3]s/v1/items/iceland?client_id=demo&callback=show&access_token=$TOKEN"         # JSONP, for a <script>
  curl -s "%[3]s/v1/items?facets=collection,tag&client_id=demo" -H "Authorization: Bearer $TOKEN"
  stile token show $TOKEN                                                     # what the server knows of it
  stile usage                                                                 # what the tenant owes

Ctrl-C stops it.

`
