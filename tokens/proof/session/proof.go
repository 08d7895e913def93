package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"
)

// prefix begins each session proof. No DPoP proof begins with it, because a JWT begins with a JSON
// object in base64url.
const prefix = "s1."

// macSize is the size of a MAC in base64url.
const macSize = 43

// IsProof reports whether a proof claims to be a session proof.
func IsProof(text string) bool { return strings.HasPrefix(text, prefix) }

// Request is the request that a proof must be for.
type Request struct {
	Method string
	Origin string // of the server, as its responses state it
	Path   string // as it was sent, without query
	Token  string // as it was presented
	ID     [16]byte
	// Params are the request's parameters in their order, decoded, except proof and callback.
	Params iter.Seq2[string, string]
}

// Proof is a proof that is valid for a request, if its counter was not used and the token is bound
// to the key.
type Proof struct {
	Key     [16]byte
	Counter uint32
}

// Check checks a proof. Otherwise the error is an [ErrInvalid].
func (s *Sealer) Check(text string, r Request, now time.Time) (Proof, error) {
	ticket, number, mac, err := cut(text)
	if err != nil {
		return Proof{}, err
	}
	counter, ok := parseCounter(number)
	if !ok {
		return Proof{}, invalid("its counter is not a number from 1 to 4294967295 without leading zeros")
	}
	t, key, ok := s.open(ticket)
	switch {
	case !ok:
		return Proof{}, invalid("its ticket was not made by this server, or is damaged")
	case t.Token != r.ID:
		return Proof{}, invalid("its ticket is for another token")
	case !now.Before(t.Expires):
		return Proof{}, invalid("its ticket has expired")
	}
	var got [macSize]byte // the decoder needs no more
	n, err := encoding.Decode(got[:], []byte(mac))
	want := r.mac(key, number)
	if err != nil || !hmac.Equal(got[:n], want[:]) {
		return Proof{}, invalid("its MAC is not that of the request")
	}
	return Proof{t.Key, counter}, nil
}

// cut splits a proof. It checks the lengths first, because base64 decoders skip line breaks.
func cut(text string) (ticket, counter, mac string, err error) {
	rest, ok := strings.CutPrefix(text, prefix)
	ticket, rest, ok2 := strings.Cut(rest, ".")
	counter, mac, ok3 := strings.Cut(rest, ".")
	if !ok || !ok2 || !ok3 || len(ticket) != ticketSize || len(mac) != macSize {
		return "", "", "", invalid("it is not s1.TICKET.COUNTER.MAC")
	}
	return ticket, counter, mac, nil
}

// parseCounter reads a number that has only one spelling.
func parseCounter(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || text[0] == '0' {
		return 0, false
	}
	return uint32(n), true
}

// inputs holds the memory of inputs for reuse.
var inputs = sync.Pool{New: func() any { return new([]byte) }}

// mac returns the MAC of the request with a counter: HMAC-SHA-256 (RFC 2104), whose key is shorter
// than a block. crypto/hmac would allocate 480 bytes for each proof, a quarter of what a call does.
func (r Request) mac(key [macKeySize]byte, counter string) (sum [sha256.Size]byte) {
	b := inputs.Get().(*[]byte)
	*b = r.appendInput(appendPad((*b)[:0], key, 0x36), counter)
	inner := sha256.Sum256(*b)
	*b = append(appendPad((*b)[:0], key, 0x5c), inner[:]...)
	sum = sha256.Sum256(*b)
	inputs.Put(b)
	return sum
}

// appendPad appends a block of HMAC: the key, filled up with zeros, with each byte XORed.
func appendPad(b []byte, key [macKeySize]byte, with byte) []byte {
	var block [sha256.BlockSize]byte
	copy(block[:], key[:])
	for i := range block {
		block[i] ^= with
	}
	return append(b, block[:]...)
}

// appendInput appends the MAC's input. Each part has a fixed length, or its length before it, so no
// two requests have the same input.
func (r Request) appendInput(b []byte, counter string) []byte {
	b = append(b, r.Token...) // its memory is used for a moment
	ath := sha256.Sum256(b[len(b)-len(r.Token):])
	b = appendPart(b[:len(b)-len(r.Token)], r.Method)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Origin)+len(r.Path)))
	b = append(append(b, r.Origin...), r.Path...)
	b = appendPart(b, counter)
	b = append(b, ath[:]...)
	for name, value := range r.Params {
		b = appendPart(appendPart(b, name), value)
	}
	return b
}

func appendPart(b []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
}
