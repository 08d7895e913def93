package webhooks_test

import (
	"strings"
	"testing"

	"stile.example/stile/webhooks"
)

// TestOddTargets checks that other spellings of local addresses, and ports that don't exist, are
// refused when a webhook is added, not only when the server connects.
func TestOddTargets(t *testing.T) {
	for _, url := range []string{"https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://0/", "https://127.0.0.1./", "https://localhost./",
		"https://x.localhost./", "https://0177.0.0.1/", "https://ops.example:0/", "https://ops.example:65536/", "https://1.2.3.4.5/"} {
		if webhooks.PublicTargets.Check(url) == nil {
			t.Errorf("%s is allowed", url)
		}
	}
	for _, url := range []string{"https://ops.example:8443/", "https://ops.example./", "https://1.example/", "https://8.8.8.8/", "https://0x7f.example/", "https://[2606:4700::1]:443/"} {
		if err := webhooks.PublicTargets.Check(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestSecretInURL checks that the advice about a secret in a URL names only the part that is not
// shown: lists, logs and the audit log have the path.
func TestSecretInURL(t *testing.T) {
	err := webhooks.PublicTargets.Check("https://user:secret@hooks.example/")
	if err == nil || !strings.Contains(err.Error(), "query") || strings.Contains(err.Error(), "path") {
		t.Errorf("a password in the URL: %v", err)
	}
	if got := webhooks.Shown("https://hooks.example/path?key=secret"); strings.Contains(got, "secret") || !strings.Contains(got, "/path") {
		t.Errorf("shown as %s", got)
	}
}
