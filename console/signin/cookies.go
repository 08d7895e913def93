package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The names of the cookies, without the prefix that they have by HTTPS.
const (
	sessionCookie  = "stile-session"
	formCookie     = "stile-form"     // to which the forms of somebody without a session belong
	secondCookie   = "stile-second"   // sealed: a password was right, and a passkey is missing
	ceremonyCookie = "stile-ceremony" // sealed: a passkey's challenge
	oidcCookie     = "stile-oidc"     // sealed: state, nonce and verifier
)

// ceremonyFor is how long a sign-in may take.
const ceremonyFor = 5 * time.Minute

// formToken returns the token for a form of somebody without a session. It sets the cookie that the
// token belongs to, unless the browser has it.
func (s *SignIn) formToken(w http.ResponseWriter, r *http.Request) string {
	value := s.Frame.Cookie(r, formCookie)
	if len(value) != 43 {
		b := make([]byte, 32)
		rand.Read(b) // can't fail: crypto/rand ends the program instead
		value = base64.RawURLEncoding.EncodeToString(b)
		s.Frame.SetCookie(w, r, formCookie, value, http.SameSiteStrictMode, 0)
	}
	return s.csrf(value)
}

// sealer encrypts and authenticates what a cookie contains.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher of cookies: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher of cookies: %w", err)
	}
	return &sealer{aead}, nil
}

// sealed is what a sealed cookie contains.
type sealed struct {
	Until int64 // Unix seconds
	Value json.RawMessage
}

// maxSealed is how long a sealed cookie may be. Browsers keep at least 4,096 bytes.
const maxSealed = 4000

// seal sets a sealed cookie, which is valid for ceremonyFor.
func (s *SignIn) seal(w http.ResponseWriter, r *http.Request, name string, site http.SameSite, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(sealed{s.Dir.Now().Add(ceremonyFor).Unix(), value})
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(s.sealer.aead.Seal(nil, nil, plain, []byte(name)))
	if len(text) > maxSealed {
		return fmt.Errorf("the cookie %s has %d bytes, more than browsers keep", name, len(text))
	}
	s.Frame.SetCookie(w, r, name, text, site, ceremonyFor)
	return nil
}

// errSealed says that a sealed cookie is missing, invalid or too old.
var errSealed = errors.New("the sign-in took too long")

// unseal reads a sealed cookie, and removes it unless keep.
func (s *SignIn) unseal(w http.ResponseWriter, r *http.Request, name string, keep bool, v any) error {
	text := s.Frame.Cookie(r, name)
	if text == "" {
		return errSealed
	}
	if !keep {
		s.Frame.RemoveCookie(w, r, name)
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errSealed
	}
	plain, err := s.sealer.aead.Open(nil, nil, raw, []byte(name))
	if err != nil {
		return errSealed
	}
	var c sealed
	if err := json.Unmarshal(plain, &c); err != nil || s.Dir.Now().Unix() >= c.Until {
		return errSealed
	}
	return json.Unmarshal(c.Value, v)
}
