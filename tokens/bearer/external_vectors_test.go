//go:build vectors

package bearer

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// wycheproof is a file of C2SP/wycheproof.
func wycheproof(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(os.Getenv("STILE_VECTORS"), "wycheproof", name))
	if err != nil {
		t.Fatalf("run make test-vectors VECTORS=DIR: %v", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// TestVectorsIssuerJWS uses each public key, or set of keys, as an external issuer's. It checks
// that no JWS that must fail is accepted, and that all valid ones are.
func TestVectorsIssuerJWS(t *testing.T) {
	passed, refused := 0, 0
	for _, name := range []string{"json_web_signature_test.json", "json_web_key_test.json"} {
		var file struct {
			TestGroups []struct {
				Public json.RawMessage
				Tests  []struct {
					TcID                 int
					Comment, JWS, Result string
				}
			}
		}
		wycheproof(t, name, &file)
		for _, g := range file.TestGroups {
			jwks := g.Public
			var set struct{ Keys []json.RawMessage }
			if json.Unmarshal(jwks, &set) == nil && set.Keys == nil {
				jwks = json.RawMessage(`{"keys":[` + string(jwks) + `]}`)
			}
			keys, unusable := ParseIssuerKeys(jwks)
			for _, c := range g.Tests {
				ok := unusable == nil && verifiesAs(&Issuer{Algorithms: ExternalAlgorithms(), Types: []string{"", "jwt"}, Keys: &fixedRing{keys: &keys}}, c.JWS)
				switch {
				case ok && c.Result != "valid":
					t.Errorf("%s %d (%s) passed", name, c.TcID, c.Comment)
				// The PS384 of Figure20 is not its key's alg.
				case !ok && c.Result == "valid" && unusable == nil && c.Comment != "emptyPayload" && c.Comment != "Figure20":
					t.Errorf("%s %d (%s) was refused", name, c.TcID, c.Comment)
				case ok:
					passed++
				default:
					refused++
				}
			}
		}
	}
	t.Logf("%d passed, %d refused", passed, refused)
	if passed < 25 || passed+refused < 415 {
		t.Errorf("%d passed, %d refused: these are not the vectors", passed, refused)
	}
}

// verifiesAs is [Issuer.verifyClaims] without the claims, which the vectors don't have.
func verifiesAs(i *Issuer, token string) bool {
	t, err := cut(token)
	if err != nil {
		return false
	}
	h, err := readHeader(t)
	if err != nil || i.checkHeader(&h) != nil {
		return false
	}
	_, err = i.checkSignature(t, h, noon, noon)
	return err == nil
}

// TestVectorsSignatures checks each algorithm with keys from a JWK Set.
func TestVectorsSignatures(t *testing.T) {
	for name, alg := range map[string]string{
		"ed25519_test.json": "EdDSA", "ecdsa_secp256r1_sha256_p1363_test.json": "ES256",
		"rsa_signature_2048_sha256_test.json": "RS256", "rsa_pss_2048_sha256_mgf1_32_test.json": "PS256",
	} {
		var file struct {
			TestGroups []struct {
				PublicKeyJWK, KeyJWK json.RawMessage
				Tests                []struct {
					TcID             int
					Msg, Sig, Result string
				}
			}
		}
		wycheproof(t, name, &file)
		passed, refused := 0, 0
		for _, g := range file.TestGroups {
			jwk := g.PublicKeyJWK
			if jwk == nil {
				jwk = g.KeyJWK
			}
			if jwk == nil {
				continue // a key without numbers to write
			}
			keys, err := ParseIssuerKeys([]byte(`{"keys":[` + string(jwk) + `]}`))
			if err != nil {
				t.Errorf("%s: %s: %v", name, jwk, err)
				continue
			}
			fitting, _ := keys.find(keys.keys[0].kid, alg)
			for _, c := range g.Tests {
				msg, _ := hex.DecodeString(c.Msg)
				sig, _ := hex.DecodeString(c.Sig)
				switch ok := len(fitting) == 1 && methods[alg].Verify(string(msg), sig, fitting[0]) == nil; {
				case ok && c.Result == "invalid", !ok && c.Result == "valid":
					t.Errorf("%s %d: accepted %v, is %s", name, c.TcID, ok, c.Result)
				case ok:
					passed++
				default:
					refused++
				}
			}
		}
		t.Logf("%s: %d passed, %d refused", name, passed, refused)
		if passed < 9 || refused < 35 {
			t.Errorf("%s: %d passed, %d refused: these are not the vectors", name, passed, refused)
		}
	}
}
