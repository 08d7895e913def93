package frontmatter_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stile.example/stile/content/frontmatter"
)

// TestRead: where front matter begins and ends, in each dialect.
func TestRead(t *testing.T) {
	for source, want := range map[string]string{
		"---\ntitle: Dots close\n...\nBody":                         `title@2="Dots close" "Body"`,
		"---  \ntitle: Trailing blanks\n--- \t\nBody":               `title@2="Trailing blanks" "Body"`,
		"\n \n---\ntitle: A\n---\n\nBody":                           `title@4="A" "\nBody"`,
		"---\n---\nBody":                                            `"Body"`,
		"---\n# nothing\n---":                                       `""`,
		"---\na: |\n  ---\n  x\n---\nB":                             `a@2="---\nx\n" "B"`,
		"---\ntags:\n- \nb: 1.10\n---\n":                            `tags@2=[<nil>] b@4="1.10" ""`,
		"---\na: &x {b: c}\nd:\n  <<: *x\n  e: f\n---":              `a@2=map[b:"c"] d@3=map[b:"c" e:"f"] ""`,
		"+++ \n\"title\" = 'T'\n[a.b]\nc = 007e1\n+++":              `error@4 invalid TOML`,
		"+++\ntitle = 'T'\nd = 2024-05-06\n[a.b]\nc = 7\n+++\nBody": `title@2="T" d@3="2024-05-06" a@4=map[b:map[c:"7"]] "Body"`,
		"---toml\ntitle = 'T'\n---\nBody":                           `title@2="T" "Body"`,
		"--- json\n{\"a\": [1, null]}\n---\nBody":                   `a@2=["1" <nil>] "Body"`,
		"{\n \"a\": 1,\n \"b\": {\"c\": \"}\"}\n}\nBody":            `a@2="1" b@3=map[c:"}"] "Body"`,
		"{}\nBody": `"Body"`,

		"Text\n---\ntitle: T\n---\n":     `"Text\n---\ntitle: T\n---\n"`,
		"----\nText":                     `"----\nText"`,
		"    ---\n    code":              `"    ---\n    code"`,
		"{{< shortcode >}}\nText":        `"{{< shortcode >}}\nText"`,
		"{% raw %}":                      `"{% raw %}"`,
		"{: .kramdown}":                  `"{: .kramdown}"`,
		"--- A dash, then a text ---":    `"--- A dash, then a text ---"`,
		"<!-- a comment -->\nText":       `"<!-- a comment -->\nText"`,
		"***\nText after a rule.\n\n***": `"***\nText after a rule.\n\n***"`,

		"---\ntitle: T\n\nText":                                         `error@1 is never closed: add a line --- after it; if it is a rule, write *** instead`,
		"\n+++\ntitle = 'T'\n---\n":                                     `error@2 is never closed: add a line +++ after it`,
		"{\n\"a\": 1,\nText":                                            `error@3 invalid JSON: invalid character 'T'`,
		"{\n\"a\": {\"b\": 1\n":                                         `error@1 the JSON object is never closed: add a } after it`,
		"{\"a\": 1} text":                                               `error@1 has text after the closing }`,
		"{\n  title: 'x'\n}":                                            `error@2 invalid JSON`,
		"{\"a\": 1,\n\"a\": 2}":                                         `error@2 "a" is repeated`,
		"----\ntitle: T\ntags:\n- a\n----\nText":                        `error@1 must be between lines of three dashes`,
		"\n ---\ntitle: T\n---\nText":                                   `error@2 must be between lines of three dashes`,
		"----\nNote: text\n\nText.\n\n----\n":                           `"----\nNote: text\n\nText.\n\n----\n"`,
		"---\n\nSome text.\n\n---\n":                                    `error@3 must be names with values`,
		"---lua\na = 1\n---":                                            `error@1 "---lua" is not supported`,
		";;;\n\"a\": 1\n;;;":                                            `error@1 JSON between lines ;;; is not supported`,
		"Title: My page\nDate: 2024-05-06\n":                            `error@1 has no line --- before it`,
		"title: Leek soup\ntags: x\n---\nT":                             `error@1 has no line --- before it`,
		"% Title\n% Author\n":                                           `error@1 a title block of Pandoc (%) is not supported`,
		"<!--\n.. title: T\n-->\nText":                                  `error@1 metadata in a comment, as Nikola writes it, is not supported`,
		"---\na: b\nc: [d\n---\n":                                       `error@3 invalid YAML`,
		"---\na: b\n\n\tc: d\n---\n":                                    `error@4 invalid YAML`,
		"---\na: *b\n---\n":                                             `error@2 invalid YAML: unknown anchor`,
		"---\na: &a [*a]\n---\n":                                        `error@2 `,
		"+++\na = 1\nb = = 2\n+++\n":                                    `error@3 invalid TOML`,
		"+++\na = 1\na = 2\n+++\n":                                      `error@3 invalid TOML`,
		"---\na: " + strings.Repeat("x", frontmatter.MaxSize) + "\n---": `error@1 must be at most 131072 bytes`,
	} {
		fields, text, err := frontmatter.Read([]byte(source))
		got := ""
		for _, f := range fields {
			got += fmt.Sprintf("%s@%d=%s ", f.Name, f.Line, show(f.Value))
		}
		got += fmt.Sprintf("%q", text)
		if e, ok := errors.AsType[frontmatter.Error](err); ok {
			got = fmt.Sprintf("error@%d %s", e.Line, strings.TrimPrefix(e.Error(), "front matter: "))
		}
		if got != want && !(strings.HasPrefix(want, "error") && strings.HasPrefix(got, want)) {
			t.Errorf("%q:\n got %s\nwant %s", source[:min(len(source), 200)], got, want)
		}
	}
}

func show(v any) string {
	switch v := v.(type) {
	case frontmatter.Scalar:
		return fmt.Sprintf("%q", v.Text)
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = show(v[i])
		}
		return "[" + strings.Join(all, " ") + "]"
	case map[string]any:
		shown := map[string]string{}
		for name := range v {
			shown[name] = show(v[name])
		}
		return fmt.Sprint(shown)
	}
	return fmt.Sprint(v)
}

// TestAliases: aliases of a long text are refused on their line, before they take memory.
func TestAliases(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	for source, want := range map[string]int{
		"---\na: &a " + long + "\nb: [*a, *a]\n---\n":                                     0,
		"---\na: &a " + long + "\nb:\n  [" + strings.Repeat("*a,", 9000) + "]\n---\n":     4,
		"---\na: &a {k: " + long + "}\nb:\n" + strings.Repeat("- *a\n", 9000) + "---\n":   20,
		"---\na: &a {k: " + long + "}\n" + strings.Repeat("b:\n  <<: *a\n", 30) + "---\n": 36,
	} {
		_, _, err := frontmatter.Read([]byte(source))
		e, _ := errors.AsType[frontmatter.Error](err)
		if e.Line != want || want > 0 && !strings.Contains(err.Error(), "aliases (*name) repeat") {
			t.Errorf("%.40q…: line %d: %.200v, want an error on line %d", source, e.Line, err, want)
		}
	}
}

// TestPageOf: values in all the forms that the programs document.
func TestPageOf(t *testing.T) {
	for yaml, want := range map[string]string{
		"tags: a, b c,":           `tags=["a" "b c"] 0001-01-01 0001-01-01 map[] map[]`,
		"tags: a b":               `tags=["a" "b"] 0001-01-01 0001-01-01 map[] map[]`,
		"Tags: ['#a', null, 7]":   `tags=["a" "7"] 0001-01-01 0001-01-01 map[] map[]`,
		"tag: a b":                `tags=["a b"] 0001-01-01 0001-01-01 map[] map[]`,
		"title: 007\nTitle: x":    `tags=[] 0001-01-01 0001-01-01 map[title:007] map[Title:x]`,
		"ID: 5":                   `tags=[] 0001-01-01 0001-01-01 map[] map[ID:5]`,
		"description: [a]":        `tags=[] 0001-01-01 0001-01-01 map[] map[description:[a]]`,
		"excerpt: false":          `tags=[] 0001-01-01 0001-01-01 map[] map[excerpt:false]`,
		"url: /x/\nimage: {a: b}": `tags=[] 0001-01-01 0001-01-01 map[] map[image:map[a:b] url:/x/]`,
		"permalink: date":         `tags=[] 0001-01-01 0001-01-01 map[] map[permalink:date]`,
		"permalink: https://x/":   `tags=[] 0001-01-01 0001-01-01 map[url:https://x/] map[]`,
		"created: once\ndate created: 2024-05-06\nmodified: 2024/5/7": `tags=[] 2024-05-06 2024-05-07 map[] map[created:once]`,
		"published: 2024-05-06\ndate: 2024-05-05":                     `tags=[] 2024-05-05 0001-01-01 map[] map[published:2024-05-06T00:00:00Z]`,
		"date: Mon, 06 May 2024 09:08:09 +0200":                       `tags=[] 2024-05-06 0001-01-01 map[] map[]`,
		"aliases: A b, C\ncategories: A b":                            `tags=[] 0001-01-01 0001-01-01 map[] map[aliases:[A b C] categories:[A b]]`,
		"x: {1: 2, y: .nan, z: 12345678901234567890}":                 `tags=[] 0001-01-01 0001-01-01 map[] map[x:map[1:2 y:.nan z:12345678901234567890]]`,
		"x: {a: {b: {c: {d: {e: 1}}}}, f: [[[[[1]]]]], g: 1}":         `tags=[] 0001-01-01 0001-01-01 map[] map[x:map[g:1]]`,
		strings.Repeat("x", 65) + ": 1":                               `tags=[] 0001-01-01 0001-01-01 map[] map[]`,
	} {
		fields, _, err := frontmatter.Read([]byte("---\n" + yaml + "\n---\n"))
		if err != nil {
			t.Fatal(yaml, err)
		}
		p, err := frontmatter.PageOf(fields, nil, time.Time{})
		for name, v := range p.Texts {
			if v == "" {
				delete(p.Texts, name)
			}
		}
		got := fmt.Sprintf("tags=%q %s %s %v %v", p.Tags, p.Published.Format(time.DateOnly), p.Updated.Format(time.DateOnly), p.Texts, p.Attributes)
		if err != nil || got != want {
			t.Errorf("%s: %v\n got %s\nwant %s", yaml, err, got, want)
		}
	}
}
