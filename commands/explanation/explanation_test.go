package explanation

import (
	"os"
	"regexp"
	"testing"

	"stile.example/stile/handlers/codes"
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
