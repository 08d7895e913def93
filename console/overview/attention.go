package overview

import (
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/console/frame"
)

// notice is something that needs an operator's attention.
type notice struct {
	Tone string // warn or bad
	Text string
	Link string // what to do
	Href string
}

// maxNotices is how many notices the page has; the pages of the sections have all.
const maxNotices = 6

// tenant is what the page reads of a tenant.
type tenant struct {
	ClientID       string `json:"client_id"`
	Status         string `json:"status"`
	CallsPerMonth  int64  `json:"calls_per_month"`
	CallsThisMonth int64  `json:"calls_this_month"`
}

// issuer is what the page reads of an external issuer.
type issuer struct {
	Issuer string `json:"issuer"`
	Error  string `json:"error"`
}

// node is what the page reads of a node.
type node struct {
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	State      string   `json:"state"`
	Version    string   `json:"version"`
	Generation int64    `json:"generation"`
	Differs    []string `json:"settings_differ"`
	SameName   bool     `json:"same_name"`
	Tasks      []struct {
		Name string `json:"name"`
	} `json:"tasks"`
}

// notices returns what needs attention about a node.
func (n node) notices() (all []notice) {
	switch {
	case n.Kind != "server":
	case n.State == "silent":
		all = append(all, notice{"bad", fmt.Sprintf("The node %s has said nothing for 5 s: it is stopped, or can’t reach PostgreSQL.", n.Name), "Nodes", "#nodes"})
	case n.SameName:
		all = append(all, notice{"warn", fmt.Sprintf("Several live nodes are called %s. Give each its own name with the setting node.", n.Name), "Nodes", "#nodes"})
	case len(n.Differs) > 0:
		all = append(all, notice{"warn", fmt.Sprintf("The node %s has other settings: %s. All nodes need the same ones.", n.Name, strings.Join(n.Differs, ", ")), "Nodes", "#nodes"})
	}
	return all
}

// attention returns what needs attention, and reports whether there are tenants.
func attention(r *frame.Request) (all []notice, hasTenants bool, err error) {
	list, err := frame.Do[struct{}, []tenant](r, "tenant list", struct{}{})
	if err != nil {
		return nil, false, err
	}
	for _, t := range list {
		if n, ok := ofTenant(t); ok {
			all = append(all, n)
		}
	}
	issuers, err := frame.Do[struct{}, []issuer](r, "issuer list", struct{}{})
	if err != nil {
		return nil, false, err
	}
	for _, i := range issuers {
		if i.Error != "" {
			all = append(all, notice{"bad", fmt.Sprintf("The keys of the issuer %s can’t be fetched: %s", i.Issuer, i.Error), "Issuers", "/keys"})
		}
	}
	nodes, err := frame.Do[struct{}, []node](r, "nodes", struct{}{})
	if err != nil {
		return nil, false, err
	}
	for _, n := range nodes {
		all = append(all, n.notices()...)
	}
	// bad before warn
	slices.SortStableFunc(all, func(a, b notice) int { return strings.Compare(a.Tone, b.Tone) })
	if more := len(all) - maxNotices; more > 0 {
		all = append(all[:maxNotices:maxNotices], notice{"warn", fmt.Sprintf("%d more tenants, issuers or nodes need attention.", more), "Tenants", "/tenants"})
	}
	return all, len(list) > 0, nil
}

// ofTenant returns what needs attention about a tenant, if anything does.
func ofTenant(t tenant) (n notice, ok bool) {
	href := frame.Path("tenants", t.ClientID)
	if len(t.ClientID) > 64 { // no tenant has a longer one
		t.ClientID = strings.ToValidUTF8(t.ClientID[:64], "") + "…"
	}
	switch {
	case t.Status == "suspended":
		return notice{"warn", t.ClientID + " is suspended: all its calls are refused.", "Resume", href}, true
	case t.CallsPerMonth == 0:
		return n, false
	case t.CallsThisMonth >= t.CallsPerMonth:
		return notice{"bad", fmt.Sprintf("%s has used its quota of %s calls a month: its calls are refused.", t.ClientID, frame.Number(t.CallsPerMonth)), "Change the quota", href}, true
	case t.CallsThisMonth >= t.CallsPerMonth*3/4:
		return notice{"warn", fmt.Sprintf("%s has used %s of its quota of %s calls a month.", t.ClientID, frame.Percent(float64(t.CallsThisMonth)/float64(t.CallsPerMonth)), frame.Number(t.CallsPerMonth)), "Tenant", href}, true
	}
	return n, false
}
