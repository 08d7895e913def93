package connections

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// narrow is a listener whose connections buffer little.
type narrow struct{ net.Listener }

func (n narrow) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(4 << 10)
	}
	return c, err
}

// The limits in TestClientsThatReadNothingEnd: shorter ones than a server's, and far from
// the 5 s that crypto/tls waits.
const (
	writeTimeout     = 2 * time.Second
	writeByteTimeout = time.Second
)

// TestClientsThatReadNothingEnd checks that a client that requests much over TLS, and reads
// nothing, is disconnected in time. In HTTP/2 it opens its windows wide, and the frame that would
// reset its stream waits behind the write that does not end.
func TestClientsThatReadNothingEnd(t *testing.T) {
	for name, c := range map[string]struct {
		protocol string
		within   time.Duration
		ask      func(io.ReadWriter) error
	}{
		"HTTP/2": {"h2", writeByteTimeout, func(c io.ReadWriter) error {
			var block bytes.Buffer
			enc, fr := hpack.NewEncoder(&block), http2.NewFramer(c, c)
			for _, kv := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}} {
				enc.WriteField(hpack.HeaderField{Name: kv[0], Value: kv[1]})
			}
			io.WriteString(c, http2.ClientPreface)
			fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
			fr.WriteWindowUpdate(0, 1<<30)
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
		}},
		"HTTP/1.1": {"http/1.1", writeTimeout, func(c io.ReadWriter) error {
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := serveMuch(t)
			plain := dial(t, addr)
			if err := plain.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
				t.Fatal(err)
			}
			client := tls.Client(plain, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{c.protocol}})
			start := time.Now()
			if err := c.ask(client); err != nil {
				t.Fatal(err)
			}
			next := exchangeTLS(t, addr) // waits until the other connection has ended
			if took := time.Since(start); next != "200" || took > c.within+4*time.Second {
				t.Errorf("the next client was answered %s after %v", next, took)
			}
		})
	}
}

// serveMuch serves 8 MB for each GET over TLS, to one client at a time.
func serveMuch(t *testing.T) (addr string) {
	t.Helper()
	server := newServerTLS(t, func(w http.ResponseWriter, h *http.Request) {
		if h.Method == "GET" {
			w.Write(make([]byte, 8<<20))
		}
	})
	server.WriteTimeout = writeTimeout
	if server.HTTP2.WriteByteTimeout > 0 {
		server.HTTP2.WriteByteTimeout = writeByteTimeout
	}
	return serveTLS(t, server, 1)
}

// newServerTLS returns a server with a certificate for tests.
func newServerTLS(t *testing.T, h http.HandlerFunc) *http.Server {
	t.Helper()
	dummy := httptest.NewUnstartedServer(nil)
	dummy.StartTLS()
	defer dummy.Close()
	return ServerTLS(h, &tls.Config{Certificates: dummy.TLS.Certificates})
}

// serveTLS serves at most so many connections, which buffer little, until the end of the test.
func serveTLS(t *testing.T, server *http.Server, most int) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.ServeTLS(Limit(narrow{l}, most), "", "")
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

// exchangeTLS makes a request over a connection of its own, over HTTP/1.1.
func exchangeTLS(t *testing.T, addr string) string {
	t.Helper()
	c := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true})
	return exchange(t, c, "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}
