package signing

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const lifetime = 24 * time.Hour

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

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

// TestS10_KeysAreHidden checks that no verb and no logger shows a key.
func TestS10_KeysAreHidden(t *testing.T) {
	keys := testKeys(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", keys)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "keys", keys)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "keys", keys)
	secret := keys.SecretKey()
	for _, spelling := range []string{string(secret), fmt.Sprint(secret[:6])[1:10], fmt.Sprintf("%x", secret[:4]), base64.StdEncoding.EncodeToString(secret[:6])} {
		if strings.Contains(out.String(), spelling) {
			t.Errorf("%q is in %q", spelling, out.String())
		}
	}
}

// TestS5_WeakKeys checks that keys that can be broken are refused when they are read.
func TestS5_WeakKeys(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // otherwise Go generates no such key
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	for alg, private := range map[string]crypto.Signer{RS256: weak, ES256: p224} {
		set := &Set{secret: make([]byte, 32), keys: []*Key{{private: private, created: noon, method: jwt.GetSigningMethod(alg)}}}
		if err := writeKeys(file, set); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeys(file, noon); err == nil {
			t.Errorf("%s: a weak key was taken", alg)
		}
	}
}

func testKeys(t testing.TB) *Keys {
	t.Helper()
	keys, err := OpenKeys(filepath.Join(t.TempDir(), "keys.json"), noon)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
