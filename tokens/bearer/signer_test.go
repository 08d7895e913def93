package bearer

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestS10_KeysAreHidden checks that no verb and no logger shows a key of a signer.
func TestS10_KeysAreHidden(t *testing.T) {
	keys := testKeys(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", testSigner(keys))
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "signer", testSigner(keys))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "signer", testSigner(keys))
	secret := keys.SecretKey()
	for _, spelling := range []string{string(secret), fmt.Sprint(secret[:6])[1:10], fmt.Sprintf("%x", secret[:4]), base64.StdEncoding.EncodeToString(secret[:6])} {
		if strings.Contains(out.String(), spelling) {
			t.Errorf("%q is in %q", spelling, out.String())
		}
	}
}

// TestNewJTI checks that a name can be an argument of a command.
func TestNewJTI(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 { // 1 in 64 would begin with a hyphen
		jti := NewJTI()
		if jti[0] == '-' || len(jti) != 22 || seen[jti] {
			t.Fatalf("jti %q", jti)
		}
		seen[jti] = true
	}
}
