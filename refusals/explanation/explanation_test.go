package explanation

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/refusals"
)

// TestEveryCodeIsExplained checks that every code has an advice for operators.
func TestEveryCodeIsExplained(t *testing.T) {
	source, err := os.ReadFile("../../handlers/codes/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) != len(adviceByCode) || len(found) < 20 {
		t.Errorf("%d codes, %d entries of advice", len(found), len(adviceByCode))
	}
	for _, c := range found {
		if a := adviceByCode[codes.Code(c[1])]; a.cause == "" || a.fix == "" {
			t.Errorf("%s: %+v", c[1], a)
		}
	}
}

// TestKnownTenant checks that a command in an advice names the refusal's tenant, if that is known.
func TestKnownTenant(t *testing.T) {
	for _, c := range []struct {
		tenant, code, want string
	}{
		{"acme", "tenant_suspended", "stile tenant resume acme admits its calls again."},
		{"acme", "tenant_exhausted", "stile tenant set acme --calls-per-month N raises the quota; stile usage --tenant acme shows what used it."},
		{"", "bad_callback", "stile tenant set CLIENT_ID callbacks=PATTERN"},
	} {
		f := Subject{Refusal: refusals.Refusal{Code: c.code, Tenant: c.tenant}}
		if got := strings.Join(Lines(f), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: no %q in\n%s", c.code, c.want, got)
		}
	}
}
