package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// law says which packages of ours, and which modules, each package may import
// beside the standard library. A package that is not named here fails: a new
// room of the house needs a line of its own.
var law = map[string]string{
	"tokens":               "",
	"addresses":            "",
	"content":              "outbound microcosm-cc/bluemonday yuin/goldmark go.abhg.dev/goldmark/frontmatter mmcdole/gofeed golang.org/x/text golang.org/x/net/html",
	"tenants":              "tokens",
	"usage":                "tokens",
	"tokens/bearer":        "tokens tokens/object golang-jwt/jwt MicahParks/jwkset",
	"tokens/issuers":       "tokens/bearer outbound",
	"tokens/object":        "",
	"tokens/proof":         "tokens/object tokens/proof/p256",
	"tokens/proof/p256":    "filippo.io/nistec",
	"outbound":             "",
	"refusals":             "",
	"challenge":            "dchest/captcha",
	"simulate":             "tokens addresses",
	"settings":             "goccy/go-yaml tokens addresses tenants",
	"store":                "store/sqlite",
	"store/sqlite":         "tokens addresses refusals tenants usage content mattn/go-sqlite3 golang.org/x/text",
	"store/storetest":      "tokens addresses refusals tenants usage content",
	"handlers/codes":       "",
	"handlers/connections": "",
	"handlers/metrics":     "handlers/codes tokens prometheus/client_golang",
	"handlers/transport":   "handlers/codes addresses tenants labstack/echo",
	"handlers/files":       "handlers/codes handlers/transport labstack/echo",
	"handlers/items":       "content handlers/codes handlers/metrics handlers/transport",
	"handlers/queue":       "content handlers/transport tokens",
	"handlers/accesslog":   "handlers/transport refusals",
	"handlers/oauth":       "handlers/accesslog handlers/codes handlers/transport refusals tenants tokens tokens/bearer labstack/echo",
	"handlers":             "handlers/accesslog handlers/codes handlers/connections handlers/files handlers/items handlers/metrics handlers/oauth handlers/queue handlers/transport tokens tokens/bearer tokens/proof tenants usage content addresses challenge refusals labstack/echo",
	"static":               "",
	"widgets":              "",
	"widgets/build":        "evanw/esbuild",
	"demo":                 "",
	"commands":             "any",
	"bench":                "stiletest labstack/echo",
	"bench/challenge":      "challenge",
	"bench/wordnet":        "stiletest",
	"stiletest":            "",
	"stiletest/peers":      "",
	"examples/backends":    "",
	"examples/backends/go": "golang.org/x/oauth2",
	"examples/wordnet":     "",
	"":                     "commands",
}

// pure lists the packages that do no I/O, read no clock and draw no lots, and
// impure what would let them.
var (
	pure   = []string{"tokens", "tokens/object", "tokens/proof", "addresses"}
	impure = strings.Fields("net net/http database/sql os io/fs log log/slog math/rand math/rand/v2 crypto/rand")
)

const module = "stile.example/stile"

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(goList(t, `{{.ImportPath}} {{join .Imports " "}}`)) {
		f := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(f[0], module), "/")
		may, known := law[pkg]
		if !known {
			t.Errorf("package %q is not in the law: say what it may import", pkg)
			continue
		}
		seen[pkg] = true
		for _, imp := range f[1:] {
			if slices.Contains(pure, pkg) && slices.Contains(impure, imp) {
				t.Errorf("%s imports %s: the core does no I/O", pkg, imp)
			}
			if !allowed(may, imp) {
				t.Errorf("%s may not import %s", pkg, imp)
			}
		}
	}
	for pkg := range law {
		if !seen[pkg] {
			t.Errorf("the law names %q, which is not there", pkg)
		}
	}
}

// allowed says whether a package that may import the list may import imp.
// A module is named without the host where that is the usual one.
func allowed(list, imp string) bool {
	ours, isOurs := strings.CutPrefix(imp, module+"/")
	if !isOurs && !strings.Contains(strings.Split(imp, "/")[0], ".") || list == "any" {
		return true
	}
	for _, may := range strings.Fields(list) {
		if isOurs && ours == may {
			return true
		}
		if path := strings.TrimPrefix(imp, "github.com/"); !isOurs && (path == may || strings.HasPrefix(path, may+"/")) {
			return true
		}
	}
	return false
}

// TestPackageComments holds every package to a comment of at least a sentence.
func TestPackageComments(t *testing.T) {
	for line := range strings.Lines(goList(t, `{{.Dir}} {{len .Doc}}`)) {
		f := strings.Fields(line)
		if f[1] == "0" {
			t.Errorf("package in %s has no comment", filepath.Base(f[0]))
		}
	}
}

// goList formats each package, except those that contain only tests.
func goList(t *testing.T, format string) string {
	t.Helper()
	format = "{{if .GoFiles}}" + format + "{{end}}"
	out, err := exec.Command("go", "list", "-tags", "sqlite_fts5", "-f", format, "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	return string(out)
}
