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

// holder is a visitor whose token is bound to a key of its own.
type holder struct {
	token string
	key   stiletest.Key
}

const callPath = "/v1/items/" + itemID

// prove is the call of a holder with a fresh proof.
func (s *subject) prove(h holder) []byte {
	proof := h.key.Proof("GET", "http://localhost"+s.addr[strings.LastIndexByte(s.addr, ':'):]+callPath, h.token, time.Now())
	return bytes.Replace(s.request(h.token), []byte("&access_token="), []byte("&proof="+proof+"&access_token="), 1)
}

// signed makes calls for each connection, each to be sent once. They are made
// before the clock runs: to sign costs the load's process as much as to check
// costs the server's.
func (s *subject) signed(conns, each int) (func(int) [][]byte, error) {
	calls := make([][][]byte, conns)
	err := parallel(conns, func(conn int) error {
		for n := range each {
			calls[conn] = append(calls[conn], s.prove(s.holders[(conn+n*conns)%len(s.holders)]))
		}
		return nil
	})
	return func(conn int) [][]byte { return calls[conn] }, err
}

// bindKeys makes a key for each token, and the call that binds the two. A
// server that has just started takes no proof yet, so the first one waits.
func (s *subject) bindKeys(tokens []string) error {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for end := time.Now().Add(10 * time.Second); len(s.holders) < len(tokens); {
		h := holder{tokens[len(s.holders)], stiletest.NewKey()}
		body, err := roundTrip(conn, in, s.prove(h))
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(body, answerHead):
			s.holders = append(s.holders, h)
		case len(s.holders) > 0 || time.Now().After(end):
			return fmt.Errorf("a first call with a proof: %s", body)
		}
	}
	s.warmed += len(tokens)
	return nil
}

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
