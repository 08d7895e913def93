package proofs

import (
	"crypto/ecdh"
	"crypto/rand"
	"net/url"
	"sync"
	"time"

	"stile.example/stile/handlers/transport"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/proof/session"
)

// Sessions checks session proofs and offers sessions. It must not be copied once it is used.
type Sessions struct {
	Sealer *session.Sealer
	Origin string // of the public listener: API.PublicURL

	mu      sync.Mutex
	running map[Use]struct{}
}

// Use is the use of a session proof by a request that is running; zero: none.
type Use struct {
	token   tokens.ID
	counter uint32
}

// Check checks the session proof of a request with a token. A counter whose use has not ended is
// used. The token's step decides that too, but when content has been read: without this, any number
// of searches with one counter would cost one call.
func (s *Sessions) Check(r *transport.Request, text, token string, id tokens.ID) (session.Proof, Use, error) {
	p, err := s.check(r, text, token, id)
	if err != nil {
		return p, Use{}, err
	}
	u := Use{id, p.Counter}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, isUsed := s.running[u]; isUsed {
		return session.Proof{}, Use{}, session.ErrUsed
	}
	if s.running == nil {
		s.running = map[Use]struct{}{}
	}
	s.running[u] = struct{}{}
	return p, u, nil
}

// End ends a use, when its request has been answered.
func (s *Sessions) End(u Use) {
	if u != (Use{}) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, u)
	}
}

func (s *Sessions) check(r *transport.Request, text, token string, id tokens.ID) (session.Proof, error) {
	return s.Sealer.Check(text, session.Request{
		Method: r.HTTP.Method, Origin: s.Origin, Path: pathOf(r.HTTP.URL), Token: token, ID: id,
		Params: func(yield func(name, value string) bool) {
			for _, p := range r.Params {
				if p.Name != "proof" && p.Name != "callback" && !yield(p.Name, p.Value) {
					return
				}
			}
		},
	}, r.At)
}

// pathOf returns the path as it was sent. Browsers send characters such as | and ^ as they are, and
// EscapedPath would escape them.
func pathOf(u *url.URL) string {
	if u.RawPath != "" { // the path is not as net/url would escape it
		return u.RawPath
	}
	return u.EscapedPath()
}

// Agreement is what a DPoP proof offers: the browser's public key, and the SHA-256 of the token.
type Agreement struct {
	Browser string // the claim session_key; "": the browser offers nothing
	Ath     [32]byte
}

// offer is the member session of meta.
type offer struct {
	Ticket    string `json:"ticket"`
	Key       string `json:"key"`
	Counter   uint32 `json:"counter"`
	ExpiresIn int64  `json:"expires_in"`
	Origin    string `json:"origin"`
}

// AppendOffer appends the member session to the body, if the browser offered an agreement that the
// server can accept. key made the DPoP proof; state is the token's after the request was admitted.
// Without a session, the browser continues with DPoP proofs.
func (s *Sessions) AppendOffer(r *transport.Request, a Agreement, id tokens.ID, key tokens.Key, state tokens.State) {
	isOwner := state.Bound == tokens.BindToKey(key)
	if a.Browser == "" || !isOwner || state.Proofs.Highest == session.MaxCounter {
		return
	}
	ends := time.Unix(min(r.At.Add(session.Life).Unix(), state.Expires), 0)
	server, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return // impossible: crypto/rand ends the program instead
	}
	var nonce [12]byte
	rand.Read(nonce[:])
	ticket, err := s.Sealer.Agree(session.Ticket{Token: id, Key: key, Expires: ends}, a.Browser, server, a.Ath, nonce)
	if err != nil {
		return // the claim is not a public key
	}
	r.AppendString(`"session":`)
	r.AppendValue(offer{ticket, session.EncodeKey(server.PublicKey()), state.Proofs.Highest + 1, ends.Unix() - r.At.Unix(), s.Origin})
	r.AppendString(",")
}
