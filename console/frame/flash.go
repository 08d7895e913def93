package frame

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"
)

// Flash is a message about what was just done, shown by the next page.
type Flash struct {
	Text string `json:"text"`
	At   int64  `json:"at"` // Unix seconds
}

const (
	flashCookie = "stile-message"
	flashFor    = time.Minute
	maxFlash    = 500 // bytes of the text
)

// flashKey derives the key that signs messages. The next page may be another node's.
func flashKey(secret []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "stile: messages of the console, 1", sha256.Size)
	if err != nil {
		panic(err) // impossible: the length is allowed
	}
	return key
}

// setFlash stores a message for the next page in a cookie. It is signed for the caller's session,
// so that no other page can make the console say something.
func (f *Frame) setFlash(w http.ResponseWriter, r *Request, text string) {
	if len(text) > maxFlash {
		text = text[:maxFlash]
	}
	raw, _ := json.Marshal(Flash{text, f.now().Unix()}) // strings and numbers always encode
	value := append(f.signFlash(r, raw), raw...)
	f.SetCookie(w, r.Request, flashCookie, base64.RawURLEncoding.EncodeToString(value), http.SameSiteStrictMode, flashFor)
}

// takeFlash returns the message for this page, and removes it. Nil: there is none.
func (f *Frame) takeFlash(w http.ResponseWriter, r *Request) *Flash {
	text := f.Cookie(r.Request, flashCookie)
	if text == "" {
		return nil
	}
	f.RemoveCookie(w, r.Request, flashCookie)
	value, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(value) < sha256.Size {
		return nil
	}
	signature, raw := value[:sha256.Size], value[sha256.Size:]
	var m Flash
	if !hmac.Equal(signature, f.signFlash(r, raw)) || json.Unmarshal(raw, &m) != nil || f.now().Sub(time.Unix(m.At, 0)) > flashFor {
		return nil
	}
	return &m
}

func (f *Frame) signFlash(r *Request, raw []byte) []byte {
	h := hmac.New(sha256.New, f.flashKey)
	h.Write([]byte(r.Caller.Session))
	h.Write([]byte{0})
	h.Write(raw)
	return h.Sum(nil)
}
