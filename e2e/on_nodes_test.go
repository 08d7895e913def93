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
	"TestImportEnds": "it looks for the files of imports in one data directory; corpus/library tests imports that end on nodes",
	"TestModes":      "it reads the source",
	"TestNodeFaults": "it starts nodes itself, and ends their engines",

	"TestDemoCommands":                   "it starts the demo with its own commands, which print one server's addresses",
	"TestProofsAfterStart":               "nodes wait for nothing after a start: they share which proofs were used",
	"TestR4FullDisk":                     "what must last is not on the disk of a node",
	"TestR4FullDiskBackup":               "PostgreSQL makes the backups of nodes",
	"TestR3SystemCalls":                  "PostgreSQL and Valkey write what must last, not a node",
	"TestFloods":                         "it measures the memory of one process",
	"TestR2DamagedTail":                  "what must last is not on the disk of a node",
	"TestR4ReadOnlyDisk":                 "what must last is not on the disk of a node",
	"TestSoak":                           "it measures the memory of one process",
	"TestGrowth":                         "it is about a calculation",
	"TestImportFullDisk":                 "it fills the disk of one data directory",
	"TestR5Drain":                        "TestThreeNodesUpgrade stops nodes under load; clients can't connect to a server that has stopped",
	"TestS62JSONPByTenant":               "it changes the settings of a server that was started",
	"TestVectorsJSONInTokens":            "it signs with the keys in the data directory; nodes have theirs in PostgreSQL, encrypted",
	"TestVectorsJWTEdgeCases":            "it signs with the keys in the data directory; nodes have theirs in PostgreSQL, encrypted",
	"TestS4ForgedAddresses":              "it searches the files of one data directory",
	"TestS10Secrets":                     "it searches the files of one data directory",
	"TestS11Storage":                     "it searches the files of one data directory",
	"TestS27MalformedTokensLeaveNoTrace": "it measures the memory and the files of one process",
	"TestS50FloodCost":                   "it measures the time of one process",
	"TestS54Attack":                      "it measures the time of one process",
	"TestS54RefusedReadsNothing":         "it reads the metrics of one process",
	"TestS58MillionRefusals":             "it measures the files of one process",
	"TestS58BlockedFlood":                "it measures the files and the log of one process",
	"TestS58Floods":                      "it measures the files and the log of one process",
	"TestS59OpaqueFlood":                 "it counts the introspections of one process; each node has limits of its own",
	"TestS12WrongSecrets":                "it counts the wrong secrets that one process accepts; each node has limits of its own",
	"TestHTTPChecks":                     "it is about the connections of one process, without a load balancer",
	"TestS62MalformedGetsAScript":        "it is about the connections of one process, without a load balancer",
	"TestS23Sizes":                       "it is about the connections of one process, without a load balancer",
	"TestR6SlowClients":                  "it is about the connections of one process, without a load balancer",
	"TestR6OverHTTP2":                    "it is about the connections of one process, without a load balancer",
	"TestS61HTTP2ConnectionsLive":        "it is about the connections of one process, without a load balancer",
	"TestTLSSettings":                    "it is about the connections of one process, without a load balancer",
}

// longOnNodes are the tests that -short leaves out on nodes, and why: `make test-nodes` runs them.
var longOnNodes = map[string]string{
	"TestR1NoCountLost":           "50 starts of three nodes; TestThreeNodesKilled is shorter",
	"TestR2AnsweredIsDurable":     "10 starts of three nodes",
	"TestS2ExactUnderConcurrency": "60,160 calls; TestThreeNodesCallLimit is shorter",
	"TestS34VisitorsOfOneAddress": "it solves 35 challenges, and the rules are the same",
	"TestS51ParallelPages":        "it solves 120 challenges, and the rules are the same",
	"TestViewersChangeNothing":    "it is about roles, which the database has",
	"TestS54IncompleteResponses":  "20,000 items; each node searches its own copy",
	"TestAPIExamples":             "it is about the admin API of one node",
	"TestBlocksBecomeLonger":      "it waits for blocks to end",
}

// onlyNodes is how the names of tests begin that need several nodes.
const onlyNodes = "TestThreeNodes"

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

// threeNodes returns three nodes that share new engines; nil if the tests run on one server.
func threeNodes(t testing.TB) *stiletest.Nodes {
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
