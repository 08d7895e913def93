package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDistIsFresh holds what is committed to what the sources give.
func TestDistIsFresh(t *testing.T) {
	files, err := build("..")
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir("../dist")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if _, ok := files[f.Name()]; !ok {
			t.Errorf("dist/%s is built from nothing: run go generate ./widgets", f.Name())
		}
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join("../dist", name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("dist/%s is not what the sources give (%v): run go generate ./widgets", name, err)
		}
	}
}

// TestBudgets holds the files to the contract's sizes, compressed, in bytes. A
// whole layer may be a core (6,000) and all elements (18,000); it is less, and
// is to stay so.
func TestBudgets(t *testing.T) {
	budgets := map[string]int{
		"core.mjs": 6_000, "stile.js": 19_500, "stile.mjs": 19_500, "challenge.mjs": 4_000,
	}
	for name, text := range committed(t) {
		most, ok := budgets[name]
		if strings.HasPrefix(name, "lang-") || strings.HasPrefix(name, "dialog-") {
			most, ok = 1_500, true
		}
		if size := compressed(text); ok && size > most {
			t.Errorf("%s is %d bytes compressed, of at most %d", name, size, most)
		}
		delete(budgets, name)
	}
	for name := range budgets {
		t.Errorf("%s is not there", name)
	}
}

// TestNothingOfThisMachine looks for what a build might leave of the machine
// that it ran on, and for what strict pages refuse.
func TestNothingOfThisMachine(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range committed(t) {
		for _, word := range []string{filepath.Dir(wd), "sourceMappingURL", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", unversioned} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s has %q", name, word)
			}
		}
	}
}

func committed(t *testing.T) map[string][]byte {
	t.Helper()
	found, err := filepath.Glob("../dist/*")
	if err != nil || len(found) == 0 {
		t.Fatalf("dist is empty: %v", err)
	}
	files := map[string][]byte{}
	for _, f := range found {
		if files[filepath.Base(f)], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
