package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
	"stile.example/stile/content/options"
	"stile.example/stile/datadir"
	"stile.example/stile/demo"
	"stile.example/stile/handlers/files"
	"stile.example/stile/operations"
	"stile.example/stile/static"
	"stile.example/stile/usage"
)

const (
	demoTenantID   = "demo"
	demoTenantName = "Demo"
)

// demoPolicy lets a newcomer exhaust a token: 30 calls of 50 items each reach its limit of records
// before they are a spike.
var demoPolicy = map[string]string{"policy.token.calls": "400", "policy.token.records": "1500"}

// PrepareDemo imports the demo corpus, adds or updates the demo tenant, opens the tenant's site and
// the start page, and prints what can be tried. command is how the program is called for this data
// directory. If addr is [NoDemoSite], another node has done all of that, and this one only has the
// start page and the pictures. It must be called before [Server.Run].
func (srv *Server) PrepareDemo(ctx context.Context, addr, command string, out io.Writer) error {
	if addr == NoDemoSite {
		return srv.joinDemo(ctx)
	}
	at, err := srv.openDemoSite(addr)
	if err != nil {
		return err
	}
	corpus, err := srv.importDemo(ctx)
	if err != nil {
		return err
	}
	made, err := demoTenant(ctx, srv.dir, at.origins)
	if err != nil {
		return fmt.Errorf("prepare the demo tenant: %w", err)
	}
	srv.handlers.Static = static.Files()
	srv.handlers.Start = &files.Start{Site: at.origins[0], Items: count(corpus)}
	srv.serveAPI()
	if err := srv.serveDemoSite(at, made, command); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, banner, count(corpus), len(corpus), srv.origin, "http://"+srv.Addr("admin"), made.Secret, at.origins[0], command, srv.consoleURL())
	return err
}

// NoDemoSite is the address of a demo without a site, because another node has it.
const NoDemoSite = "none"

// joinDemo adds this node to a demo that another node has prepared.
func (srv *Server) joinDemo(ctx context.Context) error {
	t, exists := srv.dir.Tenants.Find(demoTenantID)
	if !exists || len(t.Sites) == 0 {
		return fmt.Errorf("no other node has prepared the demo: start one without --demo-listen %s first", NoDemoSite)
	}
	stats, err := srv.dir.Store.Stats(ctx)
	if err != nil {
		return err
	}
	srv.handlers.Static = static.Files()
	srv.handlers.Start = &files.Start{Site: demoSiteOf(t.Sites), Items: stats.Items}
	srv.serveAPI()
	return nil
}

// demoSiteOf returns the site that the demo prints: see openDemoSite.
func demoSiteOf(sites []string) string {
	for _, s := range sites {
		if strings.HasPrefix(s, "http://localhost:") {
			return s
		}
	}
	return sites[0]
}

// count returns the number of items in all collections.
func count(corpus map[string]int) (items int) {
	for _, n := range corpus {
		items += n
	}
	return items
}

// importDemo imports the demo corpus, and returns the number of items of each collection.
func (srv *Server) importDemo(ctx context.Context) (map[string]int, error) {
	src := content.Source{Path: "demo/corpus.jsonl", Reader: static.DemoCorpus(srv.origin), Format: content.JSONL}
	searchable, synonyms := static.DemoSearchable(), static.DemoSynonyms()
	o := imports.Options{Options: options.Change{Searchable: &searchable, Synonyms: &synonyms}}
	// No Prune: other items may be there.
	result, err := srv.dir.Store.Import(ctx, o, content.Read(ctx, src))
	if err != nil {
		return nil, fmt.Errorf("import the demo corpus: %w", err)
	}
	return result.Collections, srv.dir.UpdateAddressPolicy(ctx)
}

// demoTenant adds the tenant, or resets the existing one to what the demo prints.
func demoTenant(ctx context.Context, d *datadir.Dir, sites []string) (operations.Credentials, error) {
	name := demoTenantName
	sites = slices.Clone(sites) // the directory sorts its own
	ch := operations.TenantChange{ClientID: demoTenantID, Name: &name, Sites: &sites, Policy: demoPolicy}
	if _, exists := d.Tenants.Find(demoTenantID); !exists {
		ch.Prices = []operations.PriceChange{{Since: usage.Day(d.Now()), Micros: new(int64(1000))}}
		if _, err := operations.AddTenant(ctx, d, ch); err != nil {
			return operations.Credentials{}, err
		}
	} else if _, err := operations.SetTenant(ctx, d, ch); err != nil {
		return operations.Credentials{}, err
	}
	_, err := operations.ResumeTenant(ctx, d, operations.TenantName{ClientID: demoTenantID})
	if err != nil {
		return operations.Credentials{}, err
	}
	secret, err := d.Tenants.UseDerivedSecret(ctx, demoTenantID)
	return operations.Credentials{ClientID: demoTenantID, Secret: secret}, err
}

// demoEntries returns the items for which the site has pages.
func demoEntries() (all []demo.Entry, err error) {
	for d := json.NewDecoder(static.DemoCorpus("")); d.More(); {
		var e demo.Entry
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("read the demo corpus: %w", err)
		}
		all = append(all, e)
	}
	return all, nil
}

// banner is what the demo prints: %[1]d items in %[2]d collections, %[3]s the public URL, %[4]s the
// admin listener's URL, %[5]s the secret, %[6]s the site's URL, %[7]s the program as it was called,
// %[8]s the console's URL.
// Each line that begins with a command can be executed as it is.
const banner = `
stile serves a demo corpus, the countries of the world: %[1]d items in %[2]d collections.

  start here        %[3]s
  a tenant's site   %[6]s    open it in a browser
  the console       %[8]s    for operators
  metrics           %[4]s/metrics

The site is a magazine that shows the corpus. Its panel "Behind the scenes" shows what
happens while it happens, and has buttons that provoke refusals.

To call the API by hand, get a token as a tenant's server does, and use it as a browser does:

  TOKEN=$(curl -s -u demo:%[5]s -d grant_type=client_credentials %[3]s/oauth/token | cut -d'"' -f4)
  curl -s "%[3]s/v1/items?q=island&limit=3&client_id=demo" -H "Authorization: Bearer $TOKEN"

More to try with the same token: suggestions, JSONP for a <script>, and facets.

  curl -s "%[3]s/v1/suggest?q=new&client_id=demo" -H "Authorization: Bearer $TOKEN"
  curl -s "%[3]s/v1/items/iceland?client_id=demo&callback=show&access_token=$TOKEN"
  curl -s "%[3]s/v1/items?facets=collection,tag&client_id=demo" -H "Authorization: Bearer $TOKEN"

What the server knows about the token, and what the tenant owes, from this directory:

  echo "$TOKEN" | %[7]s token show -
  %[7]s usage

The secret stays the same at the next start. Ctrl-C stops the demo.

`
