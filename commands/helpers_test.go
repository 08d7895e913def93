package commands

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// jtiOf returns the jti of a token.
func jtiOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "none"
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct{ JTI string }
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return "none"
	}
	return c.JTI
}

// TestAgain checks that the command in an advice has its flags and arguments, and what the
// environment said, but no token.
func TestAgain(t *testing.T) {
	for args, want := range map[string]string{
		"tenant set acme --add-site https://a.example --add-site https://b.example --json": "stile tenant set --add-site https://a.example --add-site https://b.example --json --config /e.yaml acme",
		"check --data /d --config /c.yaml":                                                 "stile check --config /c.yaml --data /d",
		"token show SECRET":                                                                "stile token show --config /e.yaml …",
	} {
		p := &program{env: []string{"STILE_CONFIG=/e.yaml"}}
		c, rest, err := p.root().Find(strings.Fields(args))
		if err == nil {
			err = c.ParseFlags(rest)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := p.again(c); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
}
