package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestList checks the list of the repository, as `make check` does.
func TestList(t *testing.T) {
	t.Chdir("../..")
	mods, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(string(text), mods); err != nil {
		t.Error(err)
	}
	var out strings.Builder
	if err := texts(mods, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The Go Authors", "LabStack", "Yasuhiro Matsumoto"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the texts don't name %s", want)
		}
	}
}

// TestCompare: each difference is reported, and so is a licence that is not allowed.
func TestCompare(t *testing.T) {
	licence := filepath.Join(t.TempDir(), "LICENSE")
	if err := os.WriteFile(licence, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	mods := map[string]*module{"a.example/m": {"a.example/m", []string{licence}}}
	sum, err := mods["a.example/m"].digest()
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{
		"# comment\na.example/m MIT " + sum:               "",
		"a.example/m BSD-3-Clause+MIT " + sum:             "",
		"":                                                "is not listed",
		"a.example/m GPL-3.0 " + sum:                      "must be one of",
		"a.example/m MIT+unknown " + sum:                  "must be one of",
		"a.example/m MIT 0011223344556677":                "have changed",
		"a.example/m MIT " + sum + "\nb.example/m MIT 00": "does not contain it",
		"a.example/m MIT " + sum + "\nb.example/m MIT 00 and another": "must be a module",
	} {
		err := compare(list, mods)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
}

// TestRender: a package is part of the module with the longest path, and one that go-licenses does
// not know fails.
func TestRender(t *testing.T) {
	licence := filepath.Join(t.TempDir(), "LICENSE")
	if err := os.WriteFile(licence, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	mods := map[string]*module{"a.example/m": {"a.example/m", []string{licence}}, "a.example/m/v2": {"a.example/m/v2", []string{licence}}}
	list, err := render(strings.NewReader("a.example/m/p,Unknown,MIT\na.example/m/v2/p,Unknown,ISC\na.example/m/v2/q,Unknown,MIT\n"), mods)
	if err != nil || !strings.Contains(list, "a.example/m MIT ") || !strings.Contains(list, "a.example/m/v2 ISC+MIT ") {
		t.Errorf("%q, %v", list, err)
	}
	if _, err := render(strings.NewReader(""), mods); err == nil || !strings.Contains(err.Error(), "no licence") {
		t.Errorf("without a report: %v", err)
	}
	if list, err = render(strings.NewReader("a.example/m/p,Unknown,MIT\n"), mods); err == nil {
		t.Errorf("a module without a licence: %q", list)
	}
}
