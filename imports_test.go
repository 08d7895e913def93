package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowedImports lists the packages of this module, and the other modules, that each package may
// import in addition to the standard library. A package that is missing here fails the test, and so
// does an entry that no file of the package uses.
var allowedImports = map[string]string{
	"tokens":                    "",
	"addresses":                 "",
	"content":                   "content/format content/ids content/objects content/table corpus/words microcosm-cc/bluemonday yuin/goldmark golang.org/x/text golang.org/x/net/html content/dialect content/folder content/frontmatter content/feed content/fetch content/plain",
	"content/dialect":           "yuin/goldmark",
	"content/feed":              "mmcdole/gofeed golang.org/x/net/html",
	"content/fetch":             "outbound",
	"content/format":            "golang.org/x/text",
	"content/ids":               "corpus/words golang.org/x/text",
	"content/imports":           "content content/options",
	"content/objects":           "",
	"content/plain":             "",
	"content/table":             "",
	"content/folder":            "content/format content/ids corpus/words bmatcuk/doublestar golang.org/x/text",
	"content/frontmatter":       "pelletier/go-toml go.yaml.in/yaml",
	"content/labels":            "goccy/go-yaml golang.org/x/text",
	"content/options":           "content/labels corpus/synonyms golang.org/x/text",
	"tenants":                   "golang.org/x/text",
	"tenants/callback":          "",
	"usage":                     "tenants",
	"tokens/bearer":             "recent slots tokens tokens/jwk tokens/jws tokens/object tokens/readable tokens/signing golang-jwt/jwt",
	"tokens/jwk":                "",
	"tokens/jws":                "",
	"tokens/readable":           "",
	"tokens/issuers":            "tokens/bearer outbound recent",
	"tokens/object":             "",
	"tokens/signing":            "durable tokens/jwk golang-jwt/jwt",
	"tokens/proof":              "tokens/jws tokens/object recent",
	"tokens/proof/session":      "",
	"outbound":                  "",
	"outbound/authority":        "",
	"editdistance":              "",
	"recent":                    "",
	"slots":                     "",
	"refusals":                  "",
	"admins":                    "recent golang.org/x/crypto",
	"audit":                     "",
	"challenge":                 "dchest/captcha",
	"simulate":                  "tokens addresses",
	"settings":                  "goccy/go-yaml editdistance tokens addresses tenants tenants/callback settings/engineurl",
	"corpus":                    "content content/options corpus/cache corpus/chosen corpus/dictionary corpus/facets corpus/paging corpus/sqlite corpus/terms corpus/titles corpus/turns corpus/words",
	"corpus/bitmap":             "",
	"corpus/build":              "content content/imports content/options corpus/bitmap corpus/chosen corpus/sqlite corpus/terms corpus/words",
	"corpus/cache":              "recent",
	"corpus/chosen":             "content/labels content/options corpus/cache corpus/synonyms corpus/terms",
	"corpus/dictionary":         "corpus/spelling corpus/sqlite corpus/words",
	"corpus/facets":             "content corpus/sqlite corpus/words",
	"corpus/paging":             "content corpus/terms",
	"corpus/preview":            "content content/imports content/options corpus/bitmap corpus/build corpus/chosen corpus/sqlite corpus/terms corpus/words",
	"corpus/sqlite":             "mattn/go-sqlite3",
	"corpus/spelling":           "",
	"corpus/synonyms":           "corpus/words golang.org/x/text",
	"corpus/titles":             "content corpus/sqlite corpus/terms corpus/words",
	"corpus/terms":              "content corpus/synonyms corpus/words",
	"corpus/words":              "golang.org/x/text",
	"corpus/turns":              "",
	"corpus/library":            "content content/imports content/options corpus corpus/build corpus/preview corpus/replica corpus/turns",
	"corpus/replica":            "klauspost/compress",
	"corpus/replica/buckets":    "corpus/replica outbound/authority minio/minio-go",
	"store":                     "nodes store/breaker store/sqlite corpus/library addresses store/tables/rows tenants tokens tokens/listing usage corpus/replica corpus/replica/buckets store/postgres store/postgres/values store/states store/tables/corpustable store/tables/tokenlist store/valkey",
	"settings/engineurl":        "",
	"store/breaker":             "sony/gobreaker",
	"store/postgres":            "addresses jackc/pgx store/breaker store/postgres/migration store/tables/addresslist store/tables/installation store/tables/rows store/tables/tenanttable store/tables/tokenlist store/tables/usagesum tenants tokens usage",
	"store/postgres/migration":  "store/tables/migrations store/tables/rows",
	"store/postgres/nodetable":  "addresses nodes store/tables/rows",
	"store/sqlite":              "slots tokens addresses tenants usage recent store/sqlite/migration store/tables/addresslist store/tables/installation store/tables/tenanttable store/tables/usagesum mattn/go-sqlite3 store/tables/rows store/tables/tokenlist tokens/listing",
	"store/sqlite/migration":    "mattn/go-sqlite3 store/tables/migrations store/tables/rows",
	"store/valkey":              "deadlines store/breaker store/states outbound/authority redis/rueidis sony/gobreaker",
	"store/tables/addresslist":  "addresses store/tables/rows",
	"store/tables/installation": "store/tables/rows",
	"store/tables/tenanttable":  "tenants store/tables/rows",
	"store/tables/migrations":   "store/tables/rows",
	"store/tables/rows":         "",
	"nodes":                     "",
	"store/tables/usagesum":     "tokens usage",
	"store/tables/accounts":     "admins store/tables/rows",
	"store/tables/auditlog":     "audit store/tables/rows",
	"store/sqlite/inspect":      "addresses audit corpus/sqlite refusals store/sqlite store/tables/auditlog store/sqlite/migration store/tables/statementlog tenants tokens usage store/tables/rows store/tables/tenanttable store/tables/tokenlist store/tables/usagesum idempotency statements webhooks",
	"store/states":              "deadlines addresses tokens usage store/breaker",
	"store/states/statestest":   "addresses stiletest/engines store/postgres store/postgres/values store/states store/storetest store/tables/historytable store/tables/refusallog store/tables/tokenlist tokens tokens/listing usage",
	"store/postgres/values":     "addresses nodes store/postgres store/states store/tables/rows tokens jackc/pgx",
	"store/storetest":           "tokens addresses refusals tenants usage tokens/listing history",
	"store/storetest/newdb":     "stiletest/engines store/postgres store/sqlite store/tables/historytable store/tables/rows store/tables/statementlog tenants tokens usage",
	"store/tables/refusallog":   "refusals store/tables/rows",
	"store/tables/tokenlist":    "tokens tokens/listing store/tables/rows",
	"tokens/listing":            "tokens",
	"refusals/explanation":      "handlers/codes refusals settings tenants",
	"operations/lists":          "addresses audit datadir handlers/codes operations/failure refusals refusals/explanation tokens tokens/listing tokens/readable operations/lookup operations/paging",
	"commands/lists":            "commands/confirmation commands/printing commands/syntax operations spf13/cobra history commands/host",
	"history":                   "tokens",
	"store/tables/historytable": "history store/tables/rows",
	"operations/overview":       "datadir history operations/failure operations/lookup",
	"operations/nodelist":       "datadir nodes",
	"operations/items":          "content content/labels corpus/library corpus/synonyms datadir operations/failure operations/lookup operations/paging",
	"console/protection":        "console/frame handlers/codes operations operations/failure",
	"console/contentpages":      "console/frame content content/imports operations operations/failure",
	"handlers/codes":            "",
	"handlers/connections":      "",
	"handlers/plain":            "handlers/connections",
	"deadlines":                 "",
	"handlers/metrics":          "handlers/codes tokens prometheus/client_golang",
	"handlers/transport":        "handlers/codes addresses tenants labstack/echo",
	"handlers/files":            "handlers/codes handlers/transport labstack/echo",
	"handlers/snippet":          "handlers/transport labstack/echo snippet",
	"snippet":                   "",
	"handlers/items":            "content content/labels handlers/codes handlers/metrics handlers/transport tracing",
	"handlers/sites":            "handlers/codes tenants",
	"handlers/proofs":           "handlers/codes handlers/transport tokens tokens/proof tokens/proof/session",
	"handlers/titles":           "recent tokens",
	"handlers/queue":            "content handlers/transport tokens",
	"handlers/accesslog":        "handlers/codes handlers/transport refusals",
	"handlers/oauth":            "handlers/accesslog handlers/codes handlers/transport refusals tenants tokens tokens/bearer labstack/echo evidence tracing",
	"handlers":                  "deadlines handlers/accesslog handlers/codes handlers/connections handlers/files handlers/items handlers/metrics handlers/oauth handlers/queue handlers/proofs handlers/sites handlers/snippet handlers/titles handlers/transport tokens tokens/bearer tokens/proof tokens/proof/session tenants tenants/callback usage content addresses challenge refusals labstack/echo tokens/readable evidence tracing history",
	"static":                    "",
	"widgets":                   "",
	"widgets/build":             "evanw/esbuild",
	"demo":                      "",
	"datadir":                   "addresses audit refusals settings store store/sqlite store/tables/auditlog store/sqlite/inspect tenants tokens tokens/bearer tokens/issuers tokens/signing usage events events/watch store/tables/webhookdb webhooks evidence store/tables/evidencelog store/tables/refusallog tokens/listing admins store/tables/accounts statements store/tables/statementlog history store/tables/historytable links store/tables/linklist corpus/replica nodes store/postgres store/postgres/nodetable datadir/moved datadir/access store/postgres/values store/states",
	"datadir/moved":             "durable",
	"datadir/access":            "",
	"move":                      "addresses audit corpus/replica datadir datadir/moved settings store store/postgres store/sqlite store/postgres/migration store/sqlite/inspect store/sqlite/migration store/tables/auditlog store/tables/rows tokens tokens/signing",
	"backup":                    "audit corpus/library datadir durable settings store/sqlite store/sqlite/inspect",
	"console/caller":            "operations",
	"operations/backups":        "backup operations/failure corpus/library datadir store/postgres",
	"console":                   "console/caller console/dist console/frame operations console/overview console/policypages console/tenantpages console/adminpages console/protection console/statementpages console/webhooks console/developers console/search console/contentpages",
	"console/adminpages":        "console/dist admins audit console/frame operations operations/accounts operations/failure",
	"console/build":             "evanw/esbuild",
	"console/chart":             "",
	"console/consoletest":       "admins console/caller console/frame datadir operations settings golang.org/x/net/html",
	"console/dist":              "",
	"console/frame":             "console/caller console/dist datadir handlers/codes handlers/connections operations operations/failure content recent",
	"operations/failure":        "",
	"operations/paging":         "operations/failure",
	"operations/lookup":         "datadir operations/failure tenants",
	"operations":                "operations/failure audit datadir addresses content content/imports content/options corpus/build corpus/preview settings tenants tokens tokens/bearer operations/backups operations/similar operations/tokenstate corpus/library operations/webhooks events operations/lists tokens/listing operations/accounts admins operations/statements operations/policies operations/overview operations/items doctor operations/diagnosis operations/ownview operations/auditing operations/check operations/keys operations/lookup operations/paging operations/nodelist",
	"operations/auditing":       "audit datadir operations/failure operations/paging",
	"operations/check":          "datadir operations/failure store/sqlite/inspect",
	"operations/keys":           "datadir operations/failure tokens/issuers tokens/signing",
	"operations/similar":        "operations/failure content corpus/words editdistance",
	"operations/tokenstate":     "operations/failure datadir settings tenants tokens tokens/bearer operations/lists",
	"durable":                   "",
	"socket":                    "datadir operations content golang.org/x/sys",
	"server":                    "datadir operations socket handlers handlers/codes handlers/connections handlers/files handlers/metrics handlers/plain handlers/proofs settings static demo widgets addresses challenge content content/imports content/options refusals tenants tokens tokens/bearer tokens/proof tokens/proof/session tokens/readable usage golang.org/x/crypto console console/frame console/signin handlers/transport tracing console/api console/openapi history console/developers store/tables/repeats corpus/replica/buckets store store/valkey store/postgres/values store/states nodes datadir/access",
	"commands":                  "commands/accounts commands/confirmation commands/execution commands/help commands/printing commands/report commands/syntax commands/tenantflags datadir operations socket server settings simulate addresses content content/imports content/labels content/options corpus/synonyms tenants tokens/readable tokens/signing usage spf13/cobra spf13/pflag mattn/go-sqlite3 commands/upkeep commands/webhooks commands/lists commands/statement commands/policy commands/developers datadir/access store/breaker",
	"commands/accounts":         "commands/printing commands/syntax operations spf13/cobra audit commands/confirmation operations/accounts commands/host",
	"operations/policies":       "datadir operations/failure settings simulate tenants operations/lookup",
	"commands/confirmation":     "commands/printing spf13/cobra",
	"commands/upkeep":           "move audit backup commands/execution commands/printing commands/syntax datadir operations settings store/sqlite/inspect spf13/cobra commands/host commands/confirmation datadir/access",
	"commands/execution":        "commands/printing datadir operations settings socket datadir/access",
	"commands/help":             "commands/syntax operations settings spf13/cobra",
	"commands/syntax":           "editdistance settings spf13/cobra spf13/pflag",
	"commands/tenantflags":      "commands/printing commands/syntax operations tenants tokens/bearer usage spf13/cobra",
	"commands/report":           "commands/printing content content/imports",
	"console/overview":          "console/chart console/frame operations",
	"console/policypages":       "console/chart console/frame operations operations/failure",
	"console/tenantpages":       "console/chart console/frame operations operations/failure snippet tenants usage",
	"console/signin":            "console/dist admins audit console/caller console/frame datadir handlers/codes operations operations/accounts operations/failure outbound recent settings tokens/readable coreos/go-oidc go-webauthn/webauthn golang.org/x/oauth2",
	"operations/accounts":       "admins datadir operations/failure settings",
	"commands/host":             "commands/confirmation commands/printing operations spf13/cobra",
	"commands/policy":           "commands/printing commands/syntax operations/policies simulate spf13/cobra commands/host",
	"commands/printing":         "golang.org/x/term",
	"bench":                     "bench/load bench/plot stiletest stiletest/engines stiletest/leftovers labstack/echo",
	"bench/load":                "golang.org/x/sys",
	"bench/plot":                "",
	"deploy/licences":           "",
	"bench/challenge":           "challenge stiletest/leftovers",
	"bench/wordnet":             "stiletest stiletest/leftovers",
	"stiletest/smuggling":       "",
	"stiletest":                 "stiletest/leftovers stiletest/ports",
	"stiletest/leftovers":       "",
	"stiletest/seeds":           "",
	"stiletest/ports":           "",
	"stiletest/repeatable":      "pgregory.net/rapid",
	"stiletest/peers":           "stiletest/ports",
	"stiletest/engines":         "stiletest/leftovers stiletest/ports jackc/pgx",
	"examples/backends":         "",
	"examples/backends/go":      "golang.org/x/oauth2",
	"examples/wordnet":          "",
	"":                          "commands",
	"events":                    "",
	"events/watch":              "addresses events statements tenants tokens/issuers",
	"webhooks":                  "events outbound",
	"store/tables/webhookdb":    "events webhooks store/tables/rows",
	"operations/webhooks":       "datadir events operations/failure webhooks operations/lookup operations/paging",
	"commands/webhooks":         "commands/confirmation commands/printing commands/syntax events operations/webhooks webhooks spf13/cobra commands/host operations",
	"evidence":                  "",
	"doctor":                    "evidence editdistance snippet tokens/readable",
	"store/tables/evidencelog":  "evidence store/tables/rows",
	"operations/diagnosis":      "datadir doctor evidence refusals tenants operations/ownview usage",
	"tracing":                   "go-logr/logr go.opentelemetry.io/otel",
	"statements":                "tenants tokens usage golang.org/x/mod",
	"statements/files":          "statements usage golang.org/x/mod",
	"console/statementpages":    "console/frame console/tenantpages operations operations/failure operations/statements statements statements/files usage tenants",
	"commands/statement":        "commands/printing commands/syntax operations operations/statements statements statements/files tokens/readable usage spf13/cobra commands/host commands/confirmation",
	"operations/statements":     "datadir operations/failure statements statements/files tenants tokens usage operations/lookup operations/paging",
	"store/tables/statementlog": "statements tenants tokens usage golang.org/x/mod store/tables/rows",
	"console/openapi":           "console/dist console/endpoint console/problem operations statements/files tenants",
	"console/limiter":           "recent",
	"console/problem":           "handlers/codes operations/failure",
	"idempotency":               "",
	"console/apitest":           "console/api console/openapi datadir operations operations/failure settings store/tables/repeats",
	"console/api":               "console/caller console/endpoint console/limiter console/problem content content/imports datadir idempotency operations operations/failure usage handlers/connections",
	"console/endpoint":          "content operations operations/failure",
	"console/webhooks":          "console/frame events operations operations/failure operations/webhooks webhooks",
	"links":                     "",
	"store/tables/corpustable":  "corpus/replica store/tables/rows",
	"store/tables/linklist":     "links store/tables/rows",
	"operations/ownview":        "datadir evidence handlers/codes links operations/failure refusals settings tenants tokens/readable operations/lookup",
	"commands/developers":       "commands/printing commands/syntax doctor operations spf13/cobra commands/host",
	"console/developers":        "console/caller console/dist console/frame console/tenantpages datadir doctor links operations operations/failure snippet statements/files usage console/limiter",
	"console/search":            "console/frame operations operations/failure",
	"store/tables/repeats":      "idempotency store/tables/rows",
	"console/sample":            "console console/consoletest console/developers console/frame datadir operations operations/statements settings",
}

// pure lists the packages that do no I/O, read no clock and use no randomness. They may not import
// what impure lists.
var (
	pure   = []string{"tenants/callback", "tokens", "tokens/object", "tokens/jwk", "tokens/jws", "tokens/readable", "tokens/proof", "tokens/proof/session", "addresses", "doctor", "corpus/paging", "corpus/spelling", "corpus/synonyms", "corpus/terms", "corpus/words", "content/labels", "content/options", "editdistance", "console/chart", "statements/files"}
	impure = strings.Fields("net net/http database/sql os io/fs log log/slog math/rand math/rand/v2 crypto/rand")
)

const module = "stile.example/stile"

func TestImports(t *testing.T) {
	imports := map[string][]string{}
	for line := range strings.Lines(goList(t, `{{.ImportPath}} {{join .Imports " "}}`)) {
		f := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(f[0], module), "/")
		imports[pkg] = f[1:]
		if _, known := allowedImports[pkg]; !known {
			t.Errorf("package %q is missing in allowedImports: add a line that lists what it may import", pkg)
		}
	}
	for pkg, list := range allowedImports {
		if _, exists := imports[pkg]; !exists {
			t.Errorf("allowedImports names %q, which does not exist: remove the line", pkg)
			continue
		}
		checkImports(t, pkg, strings.Fields(list), imports[pkg])
	}
}

// checkImports reports each import that is not allowed, and each entry that allows nothing.
func checkImports(t *testing.T, pkg string, allowed, imports []string) {
	t.Helper()
	for _, imp := range imports {
		if slices.Contains(pure, pkg) && slices.Contains(impure, imp) {
			t.Errorf("%s imports %s, but it must do no I/O, read no clock and use no randomness", pkg, imp)
		}
		mayImport := func(entry string) bool { return allows(entry, imp) }
		if !isStandard(imp) && !slices.ContainsFunc(allowed, mayImport) {
			t.Errorf("%s must not import %s", pkg, imp)
		}
	}
	for _, entry := range allowed {
		isUsed := func(imp string) bool { return allows(entry, imp) }
		if !slices.ContainsFunc(imports, isUsed) {
			t.Errorf("%s may import %s, but does not: remove it from allowedImports", pkg, entry)
		}
	}
}

// isStandard reports whether an import is of the standard library.
func isStandard(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// allows reports whether an entry of allowedImports covers an import: one package of this module,
// or all packages of another. A module on GitHub is named without its host.
func allows(entry, imp string) bool {
	if ours, isOurs := strings.CutPrefix(imp, module+"/"); isOurs {
		return ours == entry
	}
	path := strings.TrimPrefix(imp, "github.com/")
	return path == entry || strings.HasPrefix(path, entry+"/")
}

// TestPackageComments checks that every package has a comment.
func TestPackageComments(t *testing.T) {
	for line := range strings.Lines(goList(t, `{{.ImportPath}} {{len .Doc}}`)) {
		if f := strings.Fields(line); f[1] == "0" {
			t.Errorf("package %s has no comment", f[0])
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
