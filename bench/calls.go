package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"

	"stile.example/stile/bench/load"
)

// call is a request without its token.
type call struct {
	path, query string // the query without what each call has
	isJSON      bool   // with the token in a header, instead of JSONP with all in the URL
	isForm      bool   // with all in a form, as the widgets call; the response is JSON
	want        []byte // how the response's body must begin: everything before its meta
}

// around returns what is before and after a token of some bytes. The header has further lines.
func (c call) around(host, further string, token int) (before, after string) {
	rest := "User-Agent: bench\r\nReferer: https://www.acme.example/\r\n" + further
	query := "client_id=acme" + c.query
	if c.isForm {
		query += "&access_token="
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
			c.path, host, rest, len(query)+token, query), ""
	}
	if c.isJSON {
		return fmt.Sprintf("GET %s?%s HTTP/1.1\r\nHost: %s\r\n%sAuthorization: Bearer ", c.path, query, host, rest), "\r\n\r\n"
	}
	return fmt.Sprintf("GET %s?callback=cb&%s&access_token=", c.path, query), " HTTP/1.1\r\nHost: " + host + "\r\n" + rest + "\r\n"
}

// request is the text of a call around the rest of a token.
type request struct{ before, after string }

// requests returns the texts of each call, for each group.
func (t *tokenSet) requests(addr string, calls []call) [][]request {
	all := make([][]request, t.groups)
	for group := range all {
		for _, c := range calls {
			before, after := c.around(addr, t.forwarded(group), len(t.start)+t.size)
			all[group] = append(all[group], request{before + t.start, after})
		}
	}
	return all
}

// plan returns a load of calls on an address, with tokens in an order. If there are several calls,
// each request is one of them, at random.
func (t *tokenSet) plan(addr string, conns int, calls []call, next order) load.Plan {
	texts := t.requests(addr, calls)
	return load.Plan{Addr: addr, Conns: conns, Next: func(conn int, buf []byte) (_, want []byte) {
		i, ok := next(conn)
		if !ok {
			return nil, nil
		}
		n := 0
		if len(calls) > 1 {
			n = rand.IntN(len(calls))
		}
		text := &texts[conn%t.groups][n]
		buf = append(buf, text.before...)
		buf = append(buf, t.rest(i)...)
		return append(buf, text.after...), calls[n].want
	}}
}

// sample makes a call with the first token, and returns the body of its response.
func (t *tokenSet) sample(addr string, c call) ([]byte, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	text := t.requests(addr, []call{c})[0][0]
	return roundTrip(conn, bufio.NewReader(conn), []byte(text.before+string(t.rest(0))+text.after))
}

// roundTrip sends a request and returns the body of its response, whose status must be 200.
func roundTrip(conn net.Conn, in *bufio.Reader, request []byte) ([]byte, error) {
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %.300s", res.StatusCode, body)
	}
	return body, err
}

// expecting returns calls that want what their first responses contain, and the first call's body.
// They are made with the first token, so they are charged.
func (s *subject) expecting(t *tokenSet, calls ...call) (_ []call, body []byte, err error) {
	for i := range calls {
		text, err := t.sample(s.addr, calls[i])
		if err != nil {
			return nil, nil, err
		}
		end := bytes.LastIndex(text, []byte(`,"meta":`))
		if end < 0 {
			return nil, nil, fmt.Errorf("%s%s: %.300s", calls[i].path, calls[i].query, text)
		}
		calls[i].want = text[:end]
		if i == 0 {
			body = text
		}
		if strings.Contains(string(text), `"data":[]`) {
			return nil, nil, fmt.Errorf("%s%s found nothing", calls[i].path, calls[i].query)
		}
		if isCounted(calls[i]) {
			s.answered++
		}
	}
	return calls, body, nil
}

// isCounted reports whether the usage counts a call. It does not count suggestions.
func isCounted(c call) bool { return !strings.HasPrefix(c.path, "/v1/suggest") }

// admitted is how the body of a JSONP call for the item begins.
var admitted = []byte(`/**/ typeof cb === 'function' && cb({"data":{"id":"` + itemID + `"`)

var (
	oneItem     = call{path: "/v1/items/" + itemID}
	oneItemJSON = call{path: "/v1/items/" + itemID, isJSON: true}
	oneItemForm = call{path: "/v1/items/" + itemID, isForm: true}
)
