package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const (
	pie   = `07625493 13 n 02 pie 0 pasty 0 002 @ 07665438 n 0000 ! 00003552 a 0000 | dish baked in pastry; "a pie & a pint"; "easy as pie"- Anon.  `
	dish  = `07665438 13 n 01 bread_dish 0 001 ~ 07625493 n 0000 | a particular item of prepared food  `
	stale = `00003552 00 s 01 stale(p) 0 000 | not fresh`
)

func TestParse(t *testing.T) {
	got, err := parse(pie, "n", "noun")
	want := synset{"n-07625493", "noun", "noun.food", []string{"pie", "pasty"}, []pointer{{"@", "n-07665438"}, {"!", "a-00003552"}}, `dish baked in pastry; "a pie & a pint"; "easy as pie"- Anon.`}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	fields := strings.Fields(pie[:strings.Index(pie, "|")])
	for i := range fields {
		if _, err := parse(strings.Join(fields[:i], " ")+" | dish", "n", "noun"); err == nil {
			t.Errorf("parse accepts a line with only %d of its fields", i)
		}
	}
}

func TestConvert(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{"data.noun": "  1 the licence\n" + pie + "\n" + dish, "data.adj": stale, "data.verb": "", "data.adv": ""} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := convert(dir, &out); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(out.String(), "\n")
	const want = `{"id":"n-07625493","collection":"noun","title":"pie","summary":"dish baked in pastry",` +
		`"body":"<p>dish baked in pastry</p><h3>Synonyms</h3><ul><li>pasty</li></ul><h3>Examples</h3><ul><li>a pie &amp; a pint</li><li>easy as pie - Anon.</li></ul>` +
		`<h3>Kind of</h3><ul><li><a href=\"https://en.wiktionary.org/wiki/bread_dish\">bread dish</a></li></ul><h3>Opposites</h3><ul><li><a href=\"https://en.wiktionary.org/wiki/stale\">stale</a></li></ul>",` +
		`"url":"https://en.wiktionary.org/wiki/pie","tags":["noun.food"],"attributes":{"hypernyms":["n-07665438"],"synonyms":1}}`
	if first != want || strings.Count(rest, "\n") != 2 {
		t.Errorf("got\n%s\nwant\n%s\nthen\n%s", first, want, rest)
	}
	if err := os.Remove(filepath.Join(dir, "data.adv")); err != nil {
		t.Fatal(err)
	}
	if convert(dir, &out) == nil {
		t.Error("convert returns no error, but a file is missing")
	}
}
