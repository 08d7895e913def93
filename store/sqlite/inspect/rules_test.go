package inspect

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stile.example/stile/store/sqlite/migration"
)

// TestEveryTable checks that a check reads each table of the schema: a new table needs one.
func TestEveryTable(t *testing.T) {
	all, err := migration.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	// other packages read these
	elsewhere := []string{"journal", "ledger_days", "token_usage", "audit", "audit_head", "migrations"}
	for _, o := range all {
		read := regexp.MustCompile(`FROM ` + o.Name + `\b|\{"` + o.Name + `",`)
		if o.Type == "table" && !slices.Contains(elsewhere, o.Name) && !read.MatchString(text.String()) {
			t.Errorf("no check reads the table %s", o.Name)
		}
	}
}
