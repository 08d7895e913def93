package e2e

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/engines"
)

// on is what the tests run on: one server with SQLite, or three nodes behind a load balancer, which
// share PostgreSQL, and Valkey or not.
var on = flag.String("on", "one", "what the tests run on: one, nodes-valkey or nodes-postgres")

// oneOnly are the tests that run only on one server, and why.
var oneOnly = map[string]string{
	"TestModes": "it reads the source",
}

// longOnNodes are the tests that -short leaves out on nodes, and why: `make test-nodes` runs them.
var longOnNodes = map[string]string{}

// onlyNodes is how the names of tests begin that need several nodes.
const onlyNodes = "TestNodes"

// chooseTests leaves out the tests that don't run on what was chosen.
func chooseTests() error {
	var out []string
	switch *on {
	case "one":
		out = []string{onlyNodes + ".*"}
	case "nodes-valkey", "nodes-postgres":
		out = slices.Collect(maps.Keys(oneOnly))
		if testing.Short() {
			out = slices.AppendSeq(out, maps.Keys(longOnNodes))
		}
	default:
		return fmt.Errorf("-on %s: must be one, nodes-valkey or nodes-postgres", *on)
	}
	return flag.Set("test.skip", "^("+strings.Join(out, "|")+")$")
}

// newCluster returns three nodes that share new engines; nil if the tests run on one server.
func newCluster(t testing.TB) *stiletest.Nodes {
	t.Helper()
	if *on == "one" {
		return nil
	}
	n := &stiletest.Nodes{Count: 3, Store: engines.Postgres(t), State: "store"}
	if *on == "nodes-valkey" {
		n.State = "valkey://" + engines.Valkey(t, "appendonly yes", "appendfsync always", "maxmemory-policy noeviction").Addr
	}
	return n
}

// TestModes checks the lists of tests that don't run on nodes: each is a test, has a reason, and no
// test leaves itself out. A test that is not listed starts no program of its own.
func TestModes(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	tests := map[string]*ast.FuncDecl{}
	set := token.NewFileSet()
	for _, name := range files {
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Test") && fn.Name.Name != "TestMain" {
				tests[fn.Name.Name] = fn
			}
		}
	}
	for name, reason := range allListed() {
		if tests[name] == nil || len(reason) < len("it is slow") || strings.HasPrefix(name, onlyNodes) {
			t.Errorf("%s is listed because %q", name, reason)
		}
	}
	for name, fn := range tests {
		_, listed := oneOnly[name]
		ast.Inspect(fn, func(n ast.Node) bool {
			text := called(n)
			if regexp.MustCompile(`^t\.Skip`).MatchString(text) {
				t.Errorf("%s leaves itself out, with %s; it must be listed", name, text)
			}
			if !listed && text == "stiletest.Server" {
				t.Errorf("%s starts a server of its own; it must be listed, or call unstarted", name)
			}
			return true
		})
	}
}

// allListed returns the tests that don't always run on nodes.
func allListed() map[string]string {
	all := maps.Clone(oneOnly)
	maps.Copy(all, longOnNodes)
	return all
}

// called returns the name of what a call calls, or of the type of a literal.
func called(n ast.Node) string {
	var e ast.Expr
	switch n := n.(type) {
	case *ast.CallExpr:
		e = n.Fun
	case *ast.CompositeLit:
		e = n.Type
	}
	if sel, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := sel.X.(*ast.Ident); ok {
			return x.Name + "." + sel.Sel.Name
		}
	}
	return ""
}
