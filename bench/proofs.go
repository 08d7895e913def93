package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"stile.example/stile/stiletest"
)

// keyed is a token that is bound to a key of its own.
type keyed struct {
	token string
	key   stiletest.Key
}

const callPath = "/v1/items/" + itemID

// requestWithProof returns a token's call with a new proof.
func (s *subject) requestWithProof(k keyed) []byte {
	url := "http://localhost" + s.server.URL[strings.LastIndexByte(s.server.URL, ':'):] + callPath
	proof := k.key.Proof("GET", url, k.token, time.Now())
	return bytes.Replace(s.request(k.token), []byte("&access_token="), []byte("&proof="+proof+"&access_token="), 1)
}

// withProofs prepares calls for each connection, each to be sent once. It does so before the
// measurement, because making a proof costs this process as much as checking one costs the server.
func (s *subject) withProofs(conns, each int) (func(int) [][]byte, error) {
	calls := make([][][]byte, conns)
	err := parallel(conns, func(conn int) error {
		for n := range each {
			calls[conn] = append(calls[conn], s.requestWithProof(s.keyed[(conn+n*conns)%len(s.keyed)]))
		}
		return nil
	})
	return func(conn int) [][]byte { return calls[conn] }, err
}

// bindKeys creates a key for each token, and makes the call that binds the token to it. The first
// call is repeated for up to 10 s, because a server that has just started may not accept proofs
// yet.
func (s *subject) bindKeys(tokens []string) error {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for end := time.Now().Add(10 * time.Second); len(s.keyed) < len(tokens); {
		k := keyed{tokens[len(s.keyed)], stiletest.NewKey()}
		body, err := roundTrip(conn, in, s.requestWithProof(k))
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(body, bodyStart):
			s.keyed = append(s.keyed, k)
		case len(s.keyed) > 0 || time.Now().After(end):
			return fmt.Errorf("first call with a proof: %s", body)
		}
	}
	s.answered += len(tokens)
	return nil
}

// roundTrip sends a request and returns the body of its response.
func roundTrip(conn net.Conn, in *bufio.Reader, request []byte) (string, error) {
	if _, err := conn.Write(request); err != nil {
		return "", err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
