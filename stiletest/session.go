package stiletest

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// SessionKey is the key pair with which a client agrees on a session. It is a second
// implementation of what docs/security.md describes.
type SessionKey struct{ private *ecdh.PrivateKey }

// NewSessionKey returns a new key pair.
func NewSessionKey() SessionKey {
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return SessionKey{k}
}

// ParseSessionKey returns the key pair with a private key of 32 bytes.
func ParseSessionKey(private []byte) (SessionKey, error) {
	k, err := ecdh.P256().NewPrivateKey(private)
	return SessionKey{k}, err
}

// Claim returns the public key as the claim session_key of a proof.
func (k SessionKey) Claim() string { return base64url(k.private.PublicKey().Bytes()) }

// ProofWithSession returns a proof for one request, with which the client offers a session.
func (k Key) ProofWithSession(s SessionKey, method, url, token string, at time.Time) string {
	claims := Claims(method, url, token, at)
	claims["session_key"] = s.Claim()
	return k.Sign(k.Header(), claims)
}

// Offer is the member session in meta of a response.
type Offer struct {
	Ticket    string `json:"ticket"`
	Key       string `json:"key"`
	Counter   uint32 `json:"counter"`
	ExpiresIn int64  `json:"expires_in"`
	Origin    string `json:"origin"`
}

// Session makes session proofs for a token. It is not safe for concurrent use.
type Session struct {
	Ticket, Origin string
	Counter        uint32 // of the next proof
	MACKey         []byte
	ath            [32]byte
}

// Join returns the session that a response offers, which is JSON or a script.
func (k SessionKey) Join(response, token string) (*Session, error) {
	text := response
	if name, script, isScript := strings.Cut(response, " && "); isScript && strings.HasPrefix(name, "/**/ ") {
		_, text, _ = strings.Cut(strings.TrimSuffix(strings.TrimSpace(script), ");"), "(")
	}
	var body struct{ Meta struct{ Session *Offer } }
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return nil, fmt.Errorf("read a response: %w", err)
	}
	if body.Meta.Session == nil {
		return nil, errors.New("the response offers no session")
	}
	return k.Accept(*body.Meta.Session, token)
}

// Accept returns the session of an offer.
func (k SessionKey) Accept(o Offer, token string) (*Session, error) {
	point, err := base64.RawURLEncoding.DecodeString(o.Key)
	if err != nil {
		return nil, err
	}
	server, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, err
	}
	secret, err := k.private.ECDH(server)
	if err != nil {
		return nil, err
	}
	s := &Session{Ticket: o.Ticket, Origin: o.Origin, Counter: o.Counter, ath: sha256.Sum256([]byte(token))}
	info := "stile: session proof, 1" + string(k.private.PublicKey().Bytes()) + string(point)
	s.MACKey, err = hkdf.Key(sha256.New, secret, s.ath[:], info, 32)
	return s, err
}

// Proof returns the proof for a request, and counts. query is the encoded query of a GET or the
// form of a POST, without the proof.
func (s *Session) Proof(method, path, query string) (string, error) {
	h := hmac.New(sha256.New, s.MACKey)
	counter := strconv.FormatUint(uint64(s.Counter), 10)
	s.Counter++
	part := func(text string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		h.Write([]byte(text))
	}
	part(method)
	part(s.Origin + path)
	part(counter)
	h.Write(s.ath[:])
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return "", err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return "", err
		}
		if pair != "" && name != "callback" && name != "proof" {
			part(PlainName(name))
			part(value)
		}
	}
	return "s1." + s.Ticket + "." + counter + "." + base64url(h.Sum(nil)), nil
}

var (
	tagList         = regexp.MustCompile(`^tag\[[0-9]*\]$`)
	attributeMember = regexp.MustCompile(`^attribute\[([^\[\]]+)\](\[[0-9]*\])?$`)
	attributeList   = regexp.MustCompile(`^(attribute\..*)\[[0-9]*\]$`)
)

// PlainName returns a parameter's name as MACs cover it: without the brackets that libraries add.
func PlainName(name string) string {
	name = tagList.ReplaceAllString(name, "tag")
	name = attributeMember.ReplaceAllString(name, "attribute.$1")
	return attributeList.ReplaceAllString(name, "$1")
}
