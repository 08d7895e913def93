package bearer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestOpenKeysAtFirstStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	first, err := OpenKeys(file, noon)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: want a file of mode 0600", info.Mode(), err)
	}
	want := KeyInfo{KID: first.List()[0].KID, Alg: EdDSA, CreatedAt: noon, Signs: true}
	if got := first.List(); len(got) != 1 || got[0] != want || len(got[0].KID) != 16 {
		t.Errorf("List() = %+v", got)
	}
	if len(first.SecretKey()) != 32 || bytes.Equal(first.SecretKey(), make([]byte, 32)) {
		t.Error("no key for secrets")
	}
	again, err := OpenKeys(file, noon.AddDate(10, 0, 0))
	if err != nil || !slices.Equal(again.List(), first.List()) || !bytes.Equal(again.SecretKey(), first.SecretKey()) {
		t.Errorf("read back: %+v, %v", again, err)
	}
	if !first.New() || again.New() {
		t.Errorf("new at first: %v, and again: %v", first.New(), again.New())
	}
}

// TestS11_KeysAreClosed checks that a file that others can read gets mode 0600.
func TestS11_KeysAreClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	if _, err := OpenKeys(file, noon); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeys(file, noon); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want mode 0600", info.Mode(), err)
	}
}

// TestDamagedKeys checks that a damaged file is neither replaced nor quoted.
func TestDamagedKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	if _, err := OpenKeys(file, noon); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	private := private(t, good)
	for name, data := range map[string]string{
		"empty":               "",
		"cut short":           string(good[:len(good)-20]),
		"no object":           "[]",
		"no secret":           strings.Replace(string(good), "secret_key", "secret", 1),
		"no keys":             strings.Replace(string(good), `"keys"`, `"keyz"`, 1),
		"wrong algorithm":     strings.Replace(string(good), EdDSA, RS256, 1),
		"no key in it":        strings.Replace(string(good), private, "AAAA", 1),
		"a signer that ended": strings.Replace(string(good), `"private"`, `"verifies_until":"2026-01-01T00:00:00Z","private"`, 1),
		"huge":                strings.Repeat(" ", maxKeyFile+1),
	} {
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeys(file, noon)
		if err == nil || strings.Contains(err.Error(), private) {
			t.Errorf("%s: %v", name, err)
		}
		if kept, _ := os.ReadFile(file); string(kept) != data {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := OpenKeys(filepath.Dir(file), noon); err == nil {
		t.Error("a folder was taken for keys")
	}
}

func private(t *testing.T, data []byte) string {
	t.Helper()
	var f keyFile
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(f.Keys[0].Private)
}

func TestRotate(t *testing.T) {
	keys := testKeys(t)
	old := keys.List()[0]
	for i, alg := range []string{ES256, RS256, EdDSA} {
		at := noon.Add(time.Duration(i) * time.Hour)
		info, err := keys.Rotate(at, alg, lifetime)
		if err != nil || info.Alg != alg || !info.Signs || info.KID == old.KID {
			t.Fatalf("rotate to %s: %+v, %v", alg, info, err)
		}
		list := keys.List()
		old.Signs, old.VerifiesUntil = false, at.Add(lifetime+rotationSlack)
		if list[0] != info || list[1] != old {
			t.Errorf("after %s: %+v", alg, list)
		}
		old = info
	}
	if _, err := keys.Rotate(noon, "HS256", lifetime); err == nil {
		t.Error("rotated to HS256")
	}
	reopened, err := OpenKeys(keys.file, noon.Add(2*lifetime))
	if err != nil || len(reopened.List()) != 1 || reopened.List()[0].KID != old.KID {
		t.Errorf("when all old tokens are dead: %+v, %v", reopened.List(), err)
	}
}

// TestRotateIsBounded checks that a loop of rotations stops, and can continue the next day.
func TestRotateIsBounded(t *testing.T) {
	keys := testKeys(t)
	var err error
	for range maxKeys {
		if _, err = keys.Rotate(noon, EdDSA, lifetime); err != nil {
			break
		}
	}
	if err == nil || len(keys.List()) != maxKeys {
		t.Errorf("%d keys, %v", len(keys.List()), err)
	}
	if _, err := keys.Rotate(noon.Add(2*lifetime), EdDSA, lifetime); err != nil || len(keys.List()) != 2 {
		t.Errorf("two days later: %d keys, %v", len(keys.List()), err)
	}
}

// TestRotateOrNothing checks that nothing changes if the file can't be written.
func TestRotateOrNothing(t *testing.T) {
	keys := testKeys(t)
	before := keys.List()
	if err := os.RemoveAll(filepath.Dir(keys.file)); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Rotate(noon, EdDSA, lifetime); err == nil || !slices.Equal(keys.List(), before) {
		t.Errorf("%v, %+v", err, keys.List())
	}
}

// TestLawRotation checks that, whatever is rotated, waited for and restarted, every token is valid
// until it expires and not after, that the JWK Set has its key, and that the set has no key without
// valid tokens.
func TestLawRotation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "keys")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		now, file := noon, filepath.Join(dir, "keys.json")
		keys, err := OpenKeys(file, now)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := NewVerifier(keys, issuer, issuer, lifetime)
		expires := map[string]time.Time{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"rotate", "wait", "sign", "restart"}).Draw(t, "step") {
			case "rotate":
				if _, err := keys.Rotate(now, rapid.SampledFrom([]string{EdDSA, ES256}).Draw(t, "alg"), lifetime); err != nil {
					t.Fatal(err)
				}
			case "wait":
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(13*time.Hour)).Draw(t, "for")))
			case "sign":
				until := now.Add(time.Duration(rapid.IntRange(1, int(lifetime/time.Second)).Draw(t, "life")) * time.Second)
				token, err := testSigner(keys).Sign(Claims{Subject: "s", Client: "acme", Expires: until}, now)
				if err != nil {
					t.Fatal(err)
				}
				expires[token] = until.Truncate(time.Second)
			case "restart":
				if keys, err = OpenKeys(file, now); err != nil {
					t.Fatal(err)
				}
				v, _ = NewVerifier(keys, issuer, issuer, lifetime)
			}
			for token, until := range expires {
				if err := holds(v, keys, token, until, now); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func holds(v *Verifier, keys *Keys, token string, until, now time.Time) error {
	_, err := v.Verify(token, now)
	if !now.Before(until) {
		if errors.Is(err, ErrExpired) || errors.Is(err, ErrInvalid) {
			return nil
		}
		return fmt.Errorf("good after its end: %v", err)
	}
	if err != nil {
		return fmt.Errorf("a live token: %w", err)
	}
	t, _ := cut(token)
	h, _ := t.readHeader()
	if !bytes.Contains(keys.JWKS(now), []byte(`"`+h.kid+`"`)) {
		return errors.New("the key of a live token is not in the JWK Set")
	}
	if bytes.Contains(keys.JWKS(now.Add(2*lifetime)), []byte(h.kid)) && keys.signing().kid != h.kid {
		return errors.New("a key outlives its tokens")
	}
	return nil
}

// TestS10_KeysAreHidden checks that no verb and no logger shows a key.
func TestS10_KeysAreHidden(t *testing.T) {
	keys := testKeys(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", keys)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "keys", keys, "signer", testSigner(keys))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "keys", keys, "signer", testSigner(keys))
	secret := keys.SecretKey()
	for _, spelling := range []string{string(secret), fmt.Sprint(secret[:4])[1:10], fmt.Sprintf("%x", secret[:4]), base64.StdEncoding.EncodeToString(secret[:6])} {
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
