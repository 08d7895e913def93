package labels

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const file = `# the demo
en:
  facets:
    capital: Capital
    collection: Continent
    "no": 'No'
  collections:
    europe: Europe
    asia: Asia
  values:
    year:
      2024: Last year
      2023: The year before
    ready: {true: Yes, no: Not yet}
pt-BR:
  facets: {capital: "Capital </script>"}
de:
  facets:
    capital: Hauptstadt
`

func parse(t *testing.T, text string) Labels {
	t.Helper()
	l, err := Parse("l.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestIn: a language falls back to the one that it is a variant of, then to the first in the file.
func TestIn(t *testing.T) {
	l := parse(t, file)
	const en = `{"facets":{"capital":"Capital","collection":"Continent","no":"No"},"collections":{"europe":"Europe","asia":"Asia"},` +
		`"values":{"ready":{"true":"Yes","no":"Not yet"},"year":{"2024":"Last year","2023":"The year before"}}}`
	const pt = `{"facets":{"capital":"Capital \u003c/script\u003e"},"collections":{},"values":{}}`
	const de = `{"facets":{"capital":"Hauptstadt"},"collections":{},"values":{}}`
	for language, want := range map[string]string{
		"en": en, "en-GB": en, "EN": en, "fr": en, "": en, "pt-br": pt, "pt_BR": pt, "pt": en,
		"de": de, "de_DE": de, "de-Latn-AT": de,
	} {
		of, ok := l.In(language)
		got, err := of.Encode()
		if string(got) != want || !ok || err != nil {
			t.Errorf("%s: %s, %v, want %s", language, got, err, want)
		}
	}
	if _, ok := Labels(nil).In("en"); ok {
		t.Error("no file has labels")
	}
}

// TestJSON: labels that are stored as JSON are the same again, in the same order.
func TestJSON(t *testing.T) {
	l := parse(t, file)
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var again Labels
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(l, again) {
		t.Errorf("%+v, %v, want %+v", again, err, l)
	}
}

func TestWith(t *testing.T) {
	shared := parse(t, "en:\n  facets: {a: A, b: B}\n  values: {a: {x: X}, b: {y: Y}}\n")[0]
	own := parse(t, "en:\n  facets: {c: C, a: Own}\n  values: {a: {z: Z, x: Mine}}\n  collections: {n: News}\n")[0]
	got, err := shared.With(own).Encode()
	want := `{"facets":{"a":"Own","b":"B","c":"C"},"collections":{"n":"News"},"values":{"a":{"x":"Mine","z":"Z"},"b":{"y":"Y"}}}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if shared.Facets[0].Label != "A" {
		t.Error("With changed the shared labels")
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "l.yaml: must have a language at least",
		"# nothing\n":                         "l.yaml: must have a language at least",
		"en: [":                               "l.yaml:1: invalid YAML",
		"en:\n " + strings.Repeat("[", 65):    "l.yaml:2: must not be nested more than 64 deep",
		"en:\n " + strings.Repeat("{a: ", 65): "l.yaml:2: must not be nested more than 64 deep",
		strings.Repeat("- ", 65):              "l.yaml:1: must not be nested more than 64 deep",
		"- en\n":                              "l.yaml:1: must be names, each with a colon after it",
		"english language: {}\n":              `l.yaml:1: "english language" must be a language`,
		"en: {}\nEN: {}\n":                    `l.yaml:2: language "EN" is repeated`,
		"en:\n  facet: {}\n":                  `l.yaml:2: "facet" is unknown: must be facets, collections or values`,
		"en:\n  facets:\n    a: A\n    a: B":  `l.yaml:4: "a" is repeated`,
		"en:\n  facets:\n    a: [A]\n":        `l.yaml:3: the label of "a" must be a text`,
		"en:\n  facets:\n    a: ''\n":         `l.yaml:3: the label of "a" is empty`,
		"en:\n  facets:\n    a: &x A\n":       `l.yaml:3: the label of "a" must be a text`,
		"en:\n  values:\n    collection: {}":  "l.yaml:3: the labels of collections must be below collections",
		"en:\n  values:\n    a: b\n":          "l.yaml:3: must be names, each with a colon after it",
		"en: {}\n---\nde: {}\n":               "l.yaml:3: must not be a second document",
		"en: \xff":                            "l.yaml: must be UTF-8",
		strings.Repeat("#", MaxFile+1):        "l.yaml: must be at most 65536 bytes",
		"en:\n  facets:\n    a: " + strings.Repeat("x", 201):      `l.yaml:3: the label of "a" must be at most 200 characters`,
		"en:\n  facets:\n    " + strings.Repeat("x", 129) + ": A": "l.yaml:3: a name must be at most 128 bytes",
	} {
		if _, err := Parse("l.yaml", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file)
	f.Add("en: &a {facets: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse("l.yaml", text)
		if err != nil {
			return
		}
		of, _ := l.In("de")
		if got, err := of.Encode(); err != nil || !json.Valid(got) {
			t.Errorf("%s, %v", got, err)
		}
	})
}
