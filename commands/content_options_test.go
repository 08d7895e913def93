package commands

import (
	"strings"
	"testing"
)

// TestContentOptions changes and shows options with a server and without one. Each is found by the
// API, stays at the next import, and is cleared by an empty value.
func TestContentOptions(t *testing.T) {
	for _, serving := range []bool{false, true} {
		h := newHarness(t, "")
		items := h.write("items.jsonl", threeItems)
		synonyms := h.write("equal.csv", "# names\nanna,annabel\n")
		labels := h.write("labels.yaml", "en:\n  facets:\n    f: Factor\n")
		if serving {
			h.serve()
		} else {
			h.must("address", "block", "198.51.100.7") // creates the data directory
		}
		for _, c := range []struct{ args, want string }{
			{"content options", `{"searchable":[],"synonyms":[],"labels":[],"url":""}`},
			{"content import " + items + " --synonyms " + synonyms + " --url https://p.example/{id}", `{"added":3,"updated":0,"unchanged":0,"removed":0,"collections":{"c":2,"e":1}}`},
			{"content import --searchable f,n --labels " + labels, `{"added":0,"updated":0,"unchanged":0,"removed":0,"indexed_again":1,"collections":{}}`},
			{"content import " + items, `{"added":0,"updated":0,"unchanged":3,"removed":0,"collections":{"c":2,"e":1}}`},
			{"content options", `{"searchable":["f","n"],"synonyms":[["anna","annabel"]],"labels":[{"language":"en","facets":{"f":"Factor"}}],"url":"https://p.example/{id}"}`},
		} {
			if got := h.must(append(strings.Fields(c.args), "--json")...); got != c.want+"\n" {
				t.Errorf("stile %s\n got %swant %s", c.args, got, c.want)
			}
		}
		if got := h.must("content", "options"); !strings.Contains(got, "f,n") || !strings.Contains(got, "groups: 1") {
			t.Error(got)
		}
		if serving {
			h.must("tenant", "add", "acme")
			token := strings.TrimSpace(h.must("token", "issue", "acme"))
			status, body := h.get("/v1/items?client_id=acme&q=annabel&labels=de", token)
			if status != 200 || !strings.Contains(body, `"url":"https://p.example/a"`) || !strings.Contains(body, `"labels":{"facets":{"f":"Factor"},`) {
				t.Errorf("%d %s", status, body)
			}
		}
		h.must("content", "import", "--searchable", "", "--synonyms", "", "--labels", "", "--url", "")
		if got := h.must("content", "options", "--json"); got != `{"searchable":[],"synonyms":[],"labels":[],"url":""}`+"\n" {
			t.Error(got)
		}
		bad := h.write("bad.csv", "a,b\nalone\n")
		for args, want := range map[string]string{
			"content import": "takes one FILE, DIR, URL or -; only --searchable",
			"content import --prune --url https://p.example/{id}": "takes one FILE",
			"content import --url https://p.example/":             "must contain {id} once",
			"content import --searchable a,,b":                    "--searchable: a name is empty",
			"content import --synonyms " + bad:                    bad + `:2: "alone" has no other name`,
			"content import --labels nothing.yaml":                "nothing was imported: open nothing.yaml: no such file",
			"content import --labels " + bad:                      bad + ":1: ",
		} {
			if _, err, code := h.run(strings.Fields(args)...); code == 0 || !strings.Contains(err, want) {
				t.Errorf("stile %s: exit %d, %s, want %s", args, code, err, want)
			}
		}
	}
}
