package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxPackageLines = 2500 // of a directory's files, without tests
	longFunction    = 40   // lines, with the signature and the closing brace
)

// TestPackageSize checks that each package is small enough to be read as a whole.
func TestPackageSize(t *testing.T) {
	lines := map[string]int{}
	for file, text := range sourceFiles(t) {
		lines[path.Dir(file)] += strings.Count(text, "\n")
	}
	for _, dir := range slices.Sorted(maps.Keys(lines)) {
		if n := lines[dir]; n > maxPackageLines {
			t.Errorf("package %s has %d lines without tests, more than %d: split it", dir, n, maxPackageLines)
		}
	}
}

// TestFunctionSize checks that nine of ten functions are shorter than longFunction. Otherwise it
// lists the long ones, the longest first.
func TestFunctionSize(t *testing.T) {
	type function struct {
		name  string
		lines int
	}
	var long []function
	all := 0
	for file, text := range sourceFiles(t) {
		for name, lines := range functions(t, file, text) {
			if all++; lines >= longFunction {
				long = append(long, function{name, lines})
			}
		}
	}
	t.Logf("%d of %d functions have %d lines or more", len(long), all, longFunction)
	if 10*len(long) <= all {
		return
	}
	t.Errorf("%d of %d functions have %d lines or more, and at most one in ten may: shorten some of these", len(long), all, longFunction)
	slices.SortFunc(long, func(a, b function) int { return b.lines - a.lines })
	for _, f := range long {
		t.Logf("%4d lines: %s", f.lines, f.name)
	}
}

// functions returns the number of lines of each function of a file, by place and name.
func functions(t *testing.T, file, text string) map[string]int {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for _, d := range f.Decls {
		if fn, isFunc := d.(*ast.FuncDecl); isFunc {
			first, last := set.Position(fn.Pos()), set.Position(fn.End())
			lines[fmt.Sprintf("%s:%d: %s", file, first.Line, fn.Name.Name)] = last.Line - first.Line + 1
		}
	}
	return lines
}

// sourceFiles returns the text of each Go file of the module that is not a test, by its path.
func sourceFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found %d Go files, want 100 or more", len(files))
	}
	return files
}

// TestPureClock checks that the packages listed in pure don't read the clock: time is part of their
// arguments.
func TestPureClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	files := 0
	for file, text := range sourceFiles(t) {
		if !slices.Contains(pure, path.Dir(file)) {
			continue
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clock, s.Sel.Name) {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
					t.Errorf("%s calls time.%s, but it must be given the time", file, s.Sel.Name)
				}
			}
			return true
		})
	}
	if files == 0 {
		t.Error("no file was read")
	}
}
