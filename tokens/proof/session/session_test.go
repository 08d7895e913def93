package session

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// vectors is testdata/vectors.json: an agreement, and requests with their proofs. Bytes are in
// hexadecimal.
type vectors struct {
	About          string // the file
	Secret         string // of the server
	BrowserPrivate string `json:"browser_private"`
	SessionKey     string `json:"session_key"` // the claim
	ServerPrivate  string `json:"server_private"`
	Token          string
	TokenID        string `json:"token_id"`
	BrowserKey     string `json:"browser_key"` // of the DPoP proof
	Key            string // the first 16 bytes of its thumbprint
	Expires        int64
	Nonce          string
	SealingKey     string `json:"sealing_key"`
	SharedSecret   string `json:"shared_secret"`
	MACKey         string `json:"mac_key"`
	Offer          stiletest.Offer
	Requests       []struct {
		Method, Path string
		Query        string // or the form
		Counter      uint32
		Input        string // of the MAC
		Proof        string
	}
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vectors) sealer(t testing.TB) *Sealer {
	t.Helper()
	s, err := NewSealer(unhex(t, v.Secret))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (v vectors) ticket(t testing.TB) Ticket {
	return Ticket{[16]byte(unhex(t, v.TokenID)), [16]byte(unhex(t, v.Key)), time.Unix(v.Expires, 0)}
}

func (v vectors) request(t testing.TB, n int) Request {
	r := v.Requests[n]
	return Request{Method: r.Method, Origin: v.Offer.Origin, Path: r.Path, Token: v.Token, ID: v.ticket(t).Token, Params: paramsOf(r.Query)}
}

// paramsOf reads an encoded query as the server does, without proof and callback.
func paramsOf(query string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, _ = url.QueryUnescape(name)
			value, _ = url.QueryUnescape(value)
			if pair != "" && name != "proof" && name != "callback" && !yield(stiletest.PlainName(name), value) {
				return
			}
		}
	}
}

func serverKey(t testing.TB, v vectors) *ecdh.PrivateKey {
	k, err := ecdh.P256().NewPrivateKey(unhex(t, v.ServerPrivate))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestVectors checks each step of the protocol against testdata/vectors.json, on the server's side
// and on a client's, which is another implementation.
func TestVectors(t *testing.T) {
	v := readVectors(t)
	ath, thumbprint := sha256.Sum256([]byte(v.Token)), sha256.Sum256([]byte(v.BrowserKey))
	id := sha256.Sum256([]byte("https://api.example\x00one")) // of the token's issuer and jti
	if hex.EncodeToString(thumbprint[:16]) != v.Key || hex.EncodeToString(id[:16]) != v.TokenID {
		t.Errorf("key %x, token ID %x", thumbprint[:16], id[:16])
	}
	server := serverKey(t, v)
	ticket, err := v.sealer(t).Agree(v.ticket(t), v.SessionKey, server, ath, [12]byte(unhex(t, v.Nonce)))
	if err != nil || ticket != v.Offer.Ticket {
		t.Errorf("ticket %s, %v", ticket, err)
	}
	if key := encoding.EncodeToString(server.PublicKey().Bytes()); key != v.Offer.Key {
		t.Errorf("the server's public key is %s", key)
	}
	sealing, _ := hkdf.Key(sha256.New, unhex(t, v.Secret), nil, sealingLabel, 32)
	_, macKey, ok := v.sealer(t).open(ticket)
	if !ok || hex.EncodeToString(macKey[:]) != v.MACKey || hex.EncodeToString(sealing) != v.SealingKey {
		t.Errorf("keys %x and %x", macKey, sealing)
	}
	browser, err := stiletest.ParseSessionKey(unhex(t, v.BrowserPrivate))
	if err != nil || browser.Claim() != v.SessionKey {
		t.Errorf("claim %s, %v", browser.Claim(), err)
	}
	client, err := browser.Accept(v.Offer, v.Token)
	if err != nil || hex.EncodeToString(client.MACKey) != v.MACKey {
		t.Fatalf("the client's key is %x, %v", client.MACKey, err)
	}
	for n, r := range v.Requests {
		client.Counter = r.Counter
		if got, err := client.Proof(r.Method, r.Path, r.Query); err != nil || got != r.Proof {
			t.Errorf("request %d: the client's proof is %s, %v", n, got, err)
		}
		got, err := v.sealer(t).Check(r.Proof, v.request(t, n), time.Unix(v.Expires-1, 0))
		if want := (Proof{v.ticket(t).Key, r.Counter}); err != nil || got != want {
			t.Errorf("request %d: %+v, %v", n, got, err)
		}
		if input := hex.EncodeToString(v.request(t, n).appendInput(nil, fmt.Sprint(r.Counter))); input != r.Input {
			t.Errorf("request %d: the MAC's input is %s", n, input)
		}
		if len(r.Proof) > 186 {
			t.Errorf("request %d: a proof of %d bytes", n, len(r.Proof))
		}
	}
}

// TestInvalid checks that a proof with anything changed is invalid, and why.
func TestInvalid(t *testing.T) {
	v := readVectors(t)
	s, valid, r, now := v.sealer(t), v.Requests[0].Proof, v.request(t, 0), time.Unix(v.Expires-1, 0)
	parts := strings.Split(valid, ".")
	with := func(n int, part string) string {
		p := slices.Clone(parts)
		p[n] = part
		return strings.Join(p, ".")
	}
	flip := func(text string) string { // another text of the same characters
		return string(text[1]) + string(text[0]) + text[2:]
	}
	const shape, ticket, counter, mac = "it is not s1.TICKET.COUNTER.MAC", "its ticket was not made by this server, or is damaged",
		"its counter is not a number from 1 to 4294967295 without leading zeros", "its MAC is not that of the request"
	for _, c := range []struct{ text, why string }{
		{"", shape}, {"s1.", shape}, {"s1...", shape}, {"s2" + valid[2:], shape}, {strings.ToUpper(valid[:1]) + valid[1:], shape},
		{valid + ".", shape}, {valid + "A", shape}, {valid[:len(valid)-1], shape}, {with(1, parts[1][:127]), shape}, {with(1, parts[1]+"A"), shape},
		{valid + "\n", shape}, {with(1, parts[1][:100]+"\n"+parts[1][100:]), shape}, {strings.Join(parts[:3], "."), shape},
		{with(1, flip(parts[1])), ticket}, {with(1, parts[1][:127]+"\n"), ticket}, {with(1, parts[1][:127]+"="), ticket}, {with(1, strings.Repeat("A", 128)), ticket},
		{with(2, ""), counter}, {with(2, "0"), counter}, {with(2, "01"), counter}, {with(2, "+1"), counter}, {with(2, "-1"), counter}, {with(2, " 1"), counter},
		{with(2, "1e1"), counter}, {with(2, "1_0"), counter}, {with(2, "0x1"), counter}, {with(2, "4294967296"), counter}, {with(2, strings.Repeat("9", 400)), counter},
		{with(2, "4294967295"), mac}, {with(3, flip(parts[3])), mac}, {with(3, parts[3][:42]+"\n"), mac}, {with(3, parts[3][:42]+"="), mac},
	} {
		if p, err := s.Check(c.text, r, now); err == nil || err.Error() != c.why || !errors.Is(err, ErrInvalid) || p != (Proof{}) {
			t.Errorf("%q: %+v, %v; want %s", c.text, p, err, c.why)
		}
	}
	if last := parts[3][42:]; len(last) == 1 { // a last character with unused bits set
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if _, err := s.Check(with(3, parts[3][:42]+string(c)), r, now); (err == nil) != (string(c) == last) {
				t.Errorf("last character %c: %v", c, err)
			}
		}
	}
	other, _ := NewSealer(bytes.Repeat([]byte{1}, 32))
	if _, err := other.Check(valid, r, now); err == nil || err.Error() != ticket {
		t.Errorf("another server: %v", err)
	}
	for at, want := range map[int64]string{v.Expires: "its ticket has expired", v.Expires + 1e9: "its ticket has expired", 0: ""} {
		if _, err := s.Check(valid, r, time.Unix(at, 0)); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

// TestOtherRequests checks that a proof is valid for no request but its own: whatever is changed,
// moved between parts, added, removed or put in another order.
func TestOtherRequests(t *testing.T) {
	v := readVectors(t)
	s, now := v.sealer(t), time.Unix(v.Expires-1, 0)
	const query = "client_id=acme&q=a+b&tag=x&tag=y&access_token=t"
	browser, _ := stiletest.ParseSessionKey(unhex(t, v.BrowserPrivate))
	client, err := browser.Accept(v.Offer, v.Token)
	if err != nil {
		t.Fatal(err)
	}
	client.Counter = 12
	text, err := client.Proof("GET", "/v1/items", query)
	if err != nil {
		t.Fatal(err)
	}
	own := Request{Method: "GET", Origin: v.Offer.Origin, Path: "/v1/items", Token: v.Token, ID: v.ticket(t).Token, Params: paramsOf(query)}
	change := func(do func(*Request)) Request {
		r := own
		do(&r)
		return r
	}
	params := func(query string) Request { return change(func(r *Request) { r.Params = paramsOf(query) }) }
	if _, err := s.Check(text, params("callback=cb&"+query+"&proof="+text), now); err != nil {
		t.Errorf("callback and proof are not covered: %v", err)
	}
	for name, r := range map[string]Request{
		"method": change(func(r *Request) { r.Method = "POST" }), "origin": change(func(r *Request) { r.Origin += "x" }),
		"path": change(func(r *Request) { r.Path += "/1" }), "token": change(func(r *Request) { r.Token += "A" }),
		"another token's ID": change(func(r *Request) { r.ID[0]++ }),
		"a value":            params(strings.Replace(query, "q=a", "q=b", 1)),
		"a name":             params(strings.Replace(query, "q=a", "r=a", 1)),
		"one more":           params(query + "&limit=50"), "an empty one more": params(query + "&a"), "an empty name more": params(query + "&="),
		"one less": params(strings.Replace(query, "tag=x&", "", 1)), "none": params(""),
		"another order":   params(strings.Replace(query, "tag=x&tag=y", "tag=y&tag=x", 1)),
		"one twice":       params(strings.Replace(query, "tag=x", "tag=x&tag=x", 1)),
		"value into name": params(strings.Replace(query, "q=a+b", "qa+b=", 1)), "two in one": params(strings.Replace(query, "tag=x&tag=y", "tag=x%26tag%3Dy", 1)),
		"a cache buster": params(query + "&_=1"),
	} {
		if _, err := s.Check(text, r, now); err == nil || !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Check(strings.Replace(text, ".12.", ".13.", 1), own, now); err == nil {
		t.Error("another counter is valid")
	}
}

// TestInvalidKeys checks that no session is agreed with what is not a public key.
func TestInvalidKeys(t *testing.T) {
	v := readVectors(t)
	point, _ := encoding.DecodeString(v.SessionKey)
	off := slices.Clone(point)
	off[64] ^= 1
	for _, key := range []string{"", "AA", v.SessionKey[:86], v.SessionKey + "A", v.SessionKey + "=", "\n" + v.SessionKey,
		encoding.EncodeToString(off), encoding.EncodeToString(make([]byte, 65)), encoding.EncodeToString(append([]byte{2}, point[1:33]...))} {
		ticket, err := v.sealer(t).Agree(v.ticket(t), key, serverKey(t, v), [32]byte{}, [12]byte{})
		if err == nil || !errors.Is(err, ErrInvalid) || ticket != "" {
			t.Errorf("%q: %q, %v", key, ticket, err)
		}
	}
	if _, err := NewSealer(make([]byte, 31)); err == nil {
		t.Error("a key of 31 bytes")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", v.sealer(t), v.sealer(t), v.sealer(t), v.sealer(t)); strings.Count(text, "hidden") != 4 {
		t.Errorf("printed: %s", text)
	}
}

// FuzzCheck checks that no text causes a panic, and that only the proof of the request is valid.
func FuzzCheck(f *testing.F) {
	v := readVectors(f)
	s, now := v.sealer(f), time.Unix(v.Expires-1, 0)
	for _, r := range v.Requests {
		f.Add(r.Proof)
	}
	f.Add("s1...")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := s.Check(text, v.request(t, 0), now); (err == nil) != (text == v.Requests[0].Proof) || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// BenchmarkCheck measures a complete check.
func BenchmarkCheck(b *testing.B) {
	v := readVectors(b)
	s, r, now := v.sealer(b), v.request(b, 0), time.Unix(v.Expires-1, 0)
	params := slices.Collect(func(yield func([2]string) bool) {
		for name, value := range r.Params {
			if !yield([2]string{name, value}) {
				return
			}
		}
	})
	r.Params = func(yield func(string, string) bool) {
		for _, p := range params {
			if !yield(p[0], p[1]) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Check(v.Requests[0].Proof, r, now); err != nil {
			b.Fatal(err)
		}
	}
}
