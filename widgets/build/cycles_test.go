package main

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// relativeImport finds the relative imports of a TypeScript file. It includes
// imports of types only, which esbuild removes.
var relativeImport = regexp.MustCompile(`(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]*)['"]`)

// TestNoImportCycles fails when TypeScript files import one another in a cycle,
// whether they import values or types.
func TestNoImportCycles(t *testing.T) {
	imports := importsOf(t, os.DirFS(".."), "src")
	if len(imports["src/elements/search.ts"]) == 0 {
		t.Fatal("no imports of src/elements/search.ts were found")
	}
	if cycle := findCycle(imports); cycle != nil {
		t.Errorf("import cycle: %s", strings.Join(cycle, " -> "))
	}
}

// TestFindCycle checks that findCycle finds a cycle of any length.
func TestFindCycle(t *testing.T) {
	for _, c := range []struct {
		imports map[string][]string
		want    string
	}{
		{map[string][]string{"a": {"b", "c"}, "b": {"c"}, "c": nil}, ""},
		{map[string][]string{"a": {"a"}}, "a a"},
		{map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}, "b c b"},
	} {
		if got := strings.Join(findCycle(c.imports), " "); got != c.want {
			t.Errorf("findCycle(%v) = %q, want %q", c.imports, got, c.want)
		}
	}
}

// importsOf returns the files below dir, each with the files that it imports.
func importsOf(t *testing.T, root fs.FS, dir string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := fs.WalkDir(root, dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".ts" {
			return err
		}
		text, err := fs.ReadFile(root, file)
		imports[file] = nil
		for _, m := range relativeImport.FindAllSubmatch(text, -1) {
			imported := path.Join(path.Dir(file), string(m[1])) + ".ts"
			if _, err := fs.Stat(root, imported); err != nil {
				t.Errorf("%s imports %s: %v", file, m[1], err)
			}
			imports[file] = append(imports[file], imported)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// findCycle returns the files of one import cycle, the first of them again at
// the end, or nil if there is no cycle.
func findCycle(imports map[string][]string) []string {
	done := map[string]bool{}
	var visit func(file string, path []string) []string
	visit = func(file string, path []string) []string {
		if at := slices.Index(path, file); at >= 0 {
			return append(path[at:], file)
		}
		if done[file] {
			return nil
		}
		for _, imported := range imports[file] {
			if cycle := visit(imported, append(path, file)); cycle != nil {
				return cycle
			}
		}
		done[file] = true
		return nil
	}
	for file := range imports {
		if cycle := visit(file, nil); cycle != nil {
			// Start at the smallest name: the order of a map is random.
			cycle = cycle[1:]
			at := slices.Index(cycle, slices.Min(cycle))
			return append(slices.Concat(cycle[at:], cycle[:at]), cycle[at])
		}
	}
	return nil
}
