package settings

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/parser"
)

const (
	maxIssuers = 32
	maxClients = 10_000
)

// issuerList is the setting issuers: a list of mappings, each an issuer.
func issuerList() value {
	return value{sort: "list", list: true, allowed: fmt.Sprintf("up to %d issuers", maxIssuers), issuers: true}
}

// readIssuers reads all of them, with every fault of each at its line: its
// error is of type [Faults].
func readIssuers(s *Settings, g given) (string, error) {
	g, faults := written(g)
	if len(g.texts) != len(g.blocks) {
		faults = append(faults, Problem{Where: g.where, Key: g.name, Problem: "is a list of mappings",
			Allowed: "[{issuer: https://…, audience: …, clients: {…: …}}]"})
	}
	if len(g.blocks) > maxIssuers {
		faults = append(faults, Problem{Where: g.where, Key: g.name, Problem: fmt.Sprintf("has %d issuers", len(g.blocks)), Allowed: fmt.Sprintf("up to %d", maxIssuers)})
		g.blocks = nil
	}
	var all []Issuer
	var texts []string
	for n, block := range g.blocks {
		i, bad := readIssuer(fmt.Sprintf("%s[%d].", g.name, n+1), g.where, block)
		faults = append(faults, bad...)
		all, texts = append(all, i), append(texts, i.canonical())
	}
	faults = append(faults, alike(g, all)...)
	if len(faults) > 0 {
		return "", faults
	}
	s.Issuers = all
	return strings.Join(texts, "\n"), nil
}

// written reads the list out of one text, as a variable or a flag has it: YAML
// on one line.
func written(g given) (given, Faults) {
	if g.list || len(g.texts) != 1 {
		return g, nil
	}
	text := g.texts[0]
	if text == "" {
		g.texts = nil
		return g, nil
	}
	file, err := parser.ParseBytes([]byte(g.name+": "+text), 0, parser.AllowDuplicateMapKey())
	if err != nil || len(file.Docs) != 1 {
		return g, Faults{{Where: g.where, Key: g.name, Problem: "is no YAML"}}
	}
	w := walker{seen: map[string]int{}}
	w.walk("", file.Docs[0].Body)
	if len(w.all) != 1 {
		return g, Faults{{Where: g.where, Key: g.name, Problem: "is no list"}}
	}
	list := w.all[0]
	for _, block := range list.blocks {
		for n := range block {
			block[n].where = g.where
		}
	}
	for n := range w.faults {
		w.faults[n].Where = g.where
	}
	list.where = g.where
	return list, w.faults
}

// readIssuer reads one. Faults are named by where they stand, or by where the
// issuer does.
func readIssuer(name, where string, block []given) (i Issuer, faults Faults) {
	for _, p := range parts {
		if p.def != "" {
			_ = p.value.parse(&i, splitList(p.def)) // a default is right: a test says so
		}
	}
	at := map[string]string{}
	if len(block) > 0 {
		where = block[0].where
	}
	for _, g := range block {
		if at[g.name] = g.where; g.texts == nil {
			faults = append(faults, Problem{Where: g.where, Key: name + g.name, Problem: "has no value"})
		} else if f := i.set(g); f != nil {
			f.Where, f.Key = g.where, name+g.name
			faults = append(faults, *f)
		}
	}
	if len(faults) > 0 {
		return i, faults // more would be said of what was not read
	}
	i.together(func(part, problem string) {
		f := Problem{Where: where, Key: name + part, Problem: problem}
		if line := at[part]; line != "" {
			f.Where = line
		}
		faults = append(faults, f)
	})
	return i, faults
}

// set sets one part.
func (i *Issuer) set(g given) *Problem {
	if client, ok := strings.CutPrefix(g.name, "clients."); ok {
		return i.setClient(client, g.texts)
	}
	var names []string
	for _, p := range parts {
		if p.name != g.name {
			names = append(names, p.name)
			continue
		}
		if p.value.parse == nil {
			return &Problem{Problem: "is a mapping", Allowed: p.value.allowed}
		}
		if err := p.value.parse(i, g.texts); err != nil {
			return &Problem{Problem: err.Error(), Allowed: p.value.allowed}
		}
		return nil
	}
	return &Problem{Problem: "unknown setting of an issuer", Allowed: strings.Join(names, ", ")}
}

func (i *Issuer) setClient(client string, texts []string) *Problem {
	switch {
	case client == "" || len(client) > 256 || len(texts) != 1 || !clientID.MatchString(texts[0]):
		return &Problem{Problem: "is no client and its tenant", Allowed: "the issuer's name of a client: client_id of a tenant"}
	case len(i.Clients) >= maxClients:
		return &Problem{Problem: fmt.Sprintf("is one client too many; %d are allowed", maxClients)}
	}
	if i.Clients == nil {
		i.Clients = map[string]string{}
	}
	i.Clients[client] = texts[0]
	return nil
}

// alike are the faults of issuers that can't be told apart.
func alike(g given, all []Issuer) (faults Faults) {
	seen, asked := map[string]bool{}, ""
	for n, i := range all {
		key := fmt.Sprintf("%s[%d].", g.name, n+1)
		if seen[i.Issuer] && i.Issuer != "" {
			faults = append(faults, Problem{Where: g.where, Key: key + "issuer", Problem: "is the issuer of another entry too"})
		}
		seen[i.Issuer] = true
		if i.Introspection.URL == "" {
			continue
		}
		if asked != "" {
			faults = append(faults, Problem{Where: g.where, Key: key + "introspection", Problem: "one issuer can be asked, and it is " + asked + " already: nothing in a token that is no JWT says whose it is"})
		}
		asked = i.Issuer
	}
	return faults
}
