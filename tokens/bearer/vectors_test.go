//go:build vectors

package bearer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestVectorsWycheproof checks the JWS cases of C2SP/wycheproof, with their keys as a client's.
// None that must fail is accepted. Valid ones are accepted if they have a payload and one of our
// algorithms.
func TestVectorsWycheproof(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(os.Getenv("STILE_VECTORS"), "wycheproof", "json_web_signature_test.json"))
	if err != nil {
		t.Fatalf("run make test-vectors VECTORS=DIR: %v", err)
	}
	var file struct {
		TestGroups []struct {
			Public json.RawMessage
			Tests  []struct {
				TcID                 int
				Comment, JWS, Result string
			}
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	passed, refused := 0, 0
	for _, g := range file.TestGroups {
		jwks := `{"keys":[` + string(g.Public) + `]}` // without a public key, the test is symmetric
		_, unusable := ParseKeySet(jwks)
		for _, c := range g.Tests {
			ok := false
			if token, err := cut(c.JWS); err == nil {
				h, err := readHeader(token)
				ok = err == nil && signedBy(token, h, jwks)
			}
			switch {
			case ok && c.Result != "valid":
				t.Errorf("%d (%s) passed", c.TcID, c.Comment)
			case !ok && c.Result == "valid" && unusable == nil && c.Comment != "emptyPayload" && !otherAlgorithm(c.TcID):
				t.Errorf("%d (%s) was refused", c.TcID, c.Comment)
			case ok:
				passed++
			default:
				refused++
			}
		}
	}
	if passed == 0 || passed+refused < 400 {
		t.Errorf("%d passed, %d refused: these are not the vectors", passed, refused)
	}
}

// otherAlgorithm reports whether a vector's token is signed with PS384 under a JWK that states
// another alg. Wycheproof calls these valid, and RFC 7517 section 4.4 does not.
func otherAlgorithm(tcID int) bool { return tcID == 346 || tcID == 350 }
