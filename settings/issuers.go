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

// issuerList is the type of the setting issuers: a list of mappings, one for each issuer.
func issuerList() value {
	return value{typeName: "list", list: true, allowed: fmt.Sprintf("up to %d issuers", maxIssuers), issuers: true}
}

// readIssuers parses all issuers. Its error is of type [Problems] and lists every problem of each,
// with its line.
func readIssuers(s *Settings, g given) (string, error) {
	g, problems := written(g)
	if len(g.texts) != len(g.blocks) {
		problems = append(problems, Problem{Where: g.where, Key: g.name, Problem: "must be a list of mappings",
			Allowed: "[{issuer: https://…, audience: …, clients: {…: …}}]"})
	}
	if len(g.blocks) > maxIssuers {
		problems = append(problems, Problem{Where: g.where, Key: g.name, Problem: fmt.Sprintf("has %d issuers", len(g.blocks)), Allowed: fmt.Sprintf("at most %d", maxIssuers)})
		g.blocks = nil
	}
	var all []Issuer
	var texts []string
	for n, block := range g.blocks {
		i, bad := readIssuer(fmt.Sprintf("%s[%d].", g.name, n+1), g.where, block)
		problems = append(problems, bad...)
		all, texts = append(all, i), append(texts, i.canonical())
	}
	problems = append(problems, checkDistinct(g, all)...)
	if len(problems) > 0 {
		return "", problems
	}
	s.Issuers = all
	return strings.Join(texts, "\n"), nil
}

// written parses the list from one text, as an environment variable or a flag has it: YAML on one
// line.
func written(g given) (given, Problems) {
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
		return g, Problems{{Where: g.where, Key: g.name, Problem: "invalid YAML"}}
	}
	w := walker{seen: map[string]int{}}
	w.walk("", file.Docs[0].Body)
	if len(w.all) != 1 {
		return g, Problems{{Where: g.where, Key: g.name, Problem: "must be a list"}}
	}
	list := w.all[0]
	for _, block := range list.blocks {
		for n := range block {
			block[n].where = g.where
		}
	}
	for n := range w.problems {
		w.problems[n].Where = g.where
	}
	list.where = g.where
	return list, w.problems
}

// readIssuer parses one issuer. A problem has the line of its setting, or else that of the issuer.
func readIssuer(name, where string, block []given) (i Issuer, problems Problems) {
	for _, p := range parts {
		if p.def != "" {
			_ = p.value.parse(&i, splitList(p.def)) // TestIssuerDefaults checks that it has no error
		}
	}
	at := map[string]string{}
	if len(block) > 0 {
		where = block[0].where
	}
	for _, g := range block {
		if at[g.name] = g.where; g.texts == nil {
			problems = append(problems, Problem{Where: g.where, Key: name + g.name, Problem: "has no value"})
		} else if f := i.set(g); f != nil {
			f.Where, f.Key = g.where, name+g.name
			problems = append(problems, *f)
		}
	}
	if len(problems) > 0 {
		return i, problems // checkTogether would report values that were not read as missing
	}
	i.checkTogether(func(part, problem string) {
		f := Problem{Where: where, Key: name + part, Problem: problem}
		if line := at[part]; line != "" {
			f.Where = line
		}
		problems = append(problems, f)
	})
	return i, problems
}

// set applies one setting of the issuer. It returns nil if the setting is valid.
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
			return &Problem{Problem: "must be a mapping", Allowed: p.value.allowed}
		}
		if err := p.value.parse(i, g.texts); err != nil {
			return problemOf(err, p.value.allowed)
		}
		return nil
	}
	return &Problem{Problem: "unknown setting of an issuer", Allowed: "one of " + strings.Join(names, ", ")}
}

func (i *Issuer) setClient(client string, texts []string) *Problem {
	switch {
	case client == "" || len(client) > 256 || len(texts) != 1 || !clientID.MatchString(texts[0]):
		return &Problem{Problem: "must be a client and its tenant", Allowed: "the issuer's name of a client: client_id of a tenant"}
	case len(i.Clients) >= maxClients:
		return &Problem{Problem: fmt.Sprintf("too many clients; the maximum is %d", maxClients)}
	}
	if i.Clients == nil {
		i.Clients = map[string]string{}
	}
	i.Clients[client] = texts[0]
	return nil
}

// checkDistinct returns a problem for each issuer that can't be distinguished from another.
func checkDistinct(g given, all []Issuer) (problems Problems) {
	seen, asked := map[string]bool{}, ""
	for n, i := range all {
		key := fmt.Sprintf("%s[%d].", g.name, n+1)
		if seen[i.Issuer] && i.Issuer != "" {
			problems = append(problems, Problem{Where: g.where, Key: key + "issuer", Problem: "must be unique: another entry has the same issuer"})
		}
		seen[i.Issuer] = true
		if i.Introspection.URL == "" {
			continue
		}
		if asked != "" {
			problems = append(problems, Problem{Where: g.where, Key: key + "introspection", Problem: "must be set for one issuer only, and " + asked + " has it already: tokens that are not JWTs do not name their issuer"})
		}
		asked = i.Issuer
	}
	return problems
}
