package options

import (
	"reflect"
	"strings"
	"testing"
)

func ptr[T any](v T) *T { return &v }

func TestApply(t *testing.T) {
	o, err := Change{
		Searchable: ptr([]string{" capital", "cafe\u0301"}), Synonyms: ptr("# x\nholland, netherlands\n"),
		Labels: ptr("en: {facets: {a: A}}"), URL: ptr("https://p.example/{collection}/{id}"),
	}.Apply(Options{})
	if err != nil || !reflect.DeepEqual(o.Searchable, []string{"capital", "café"}) ||
		o.Synonyms != "holland,netherlands\n" || len(o.Labels) != 1 || o.URL != "https://p.example/{collection}/{id}" {
		t.Errorf("%+v, %v", o, err)
	}
	same, err := Change{}.Apply(o)
	if err != nil || !same.Equal(o) || same.IndexesDifferently(o) {
		t.Errorf("%+v, %v", same, err)
	}
	none, err := Change{Searchable: ptr([]string{}), Synonyms: ptr(""), Labels: ptr(""), URL: ptr("")}.Apply(o)
	if err != nil || !none.Equal(Options{}) || none.Equal(o) || !none.IndexesDifferently(o) {
		t.Errorf("%+v, %v", none, err)
	}
}

func TestApplyErrors(t *testing.T) {
	for want, c := range map[string]Change{
		"searchable: a name is empty":             {Searchable: ptr([]string{"a", ""})},
		`searchable "a": is repeated`:             {Searchable: ptr([]string{"a", "a"})},
		"searchable: must be at most 16":          {Searchable: ptr(strings.Split("abcdefghijklmnopq", ""))},
		"synonyms:1:":                             {Synonyms: ptr("a")},
		"labels:1:":                               {Labels: ptr("en: 1")},
		`url "ftp://p.example/{id}": must be an`:  {URL: ptr("ftp://p.example/{id}")},
		`url "https:///{id}": must be an`:         {URL: ptr("https:///{id}")},
		`url "https://p.example/": must contain`:  {URL: ptr("https://p.example/")},
		`url "https://p.example/{id}{id}": must`:  {URL: ptr("https://p.example/{id}{id}")},
		`url "https://p.example/{id}/{title}": {`: {URL: ptr("https://p.example/{id}/{title}")},
		`url "https://{id}.example/": must not`:   {URL: ptr("https://{id}.example/")},
		`url "https://u:p@x.example/{id}": must`:  {URL: ptr("https://u:p@x.example/{id}")},
		"url: must be at most 300 bytes":          {URL: ptr("https://p.example/{id}" + strings.Repeat("x", 300))},
	} {
		if _, err := c.Apply(Options{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestURLOf(t *testing.T) {
	const template = "https://p.example/{collection}?id={id}"
	for want, of := range map[string][2]string{
		"https://p.example/soups?id=leek":             {"leek", "soups"},
		"https://p.example/?id=a.b_c-d":               {"a.b_c-d", ""},
		"https://p.example/a%2Fb%20%26%20%C3%BC?id=x": {"x", "a/b & ü"},
		"https://p.example/%7Bid%7D?id=x":             {"x", "{id}"},
	} {
		if got := URLOf(template, of[0], of[1]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
