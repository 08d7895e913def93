package jwk_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"stile.example/stile/tokens/jwk"
)

// FuzzPublic checks that a key that is accepted is the same after it was written and read again.
func FuzzPublic(f *testing.F) {
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	f.Add(`{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","use":"sig","key_ops":["verify"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var k jwk.Key
		if json.Unmarshal([]byte(text), &k) != nil {
			return
		}
		public, err := k.Public()
		if err != nil {
			return
		}
		again, err := jwk.Of(public).Public()
		if err != nil || !reflect.DeepEqual(again, public) {
			t.Errorf("%s: %v, %v, want %v", text, again, err, public)
		}
	})
}
