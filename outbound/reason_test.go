package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestReason checks that no word of net and net/http is in a reason, that it has no URL, and that
// the error itself is still there.
func TestReason(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		"connection refused":             dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"the host no.example is unknown": dial(&net.DNSError{Err: "no such host", Name: "no.example", Server: "192.0.2.53:53", IsNotFound: true}),
		"the host a.example can't be looked up: the name server of this machine does not work": dial(&net.DNSError{Err: "read udp 10.0.0.7:4242->192.0.2.53:53: connection refused", Name: "a.example", Server: "192.0.2.53:53"}),
		"the host b.example can't be looked up: the name server of this machine does not work": dial(&net.DNSError{Err: "server misbehaving", Name: "b.example", Server: "192.0.2.53:53", IsTemporary: true}),
		"the host c.example can't be looked up: the name server did not respond in time":       dial(&net.DNSError{Err: "read udp 10.0.0.7:4242->192.0.2.53:53: i/o timeout", Name: "c.example", Server: "192.0.2.53:53", IsTimeout: true}),
		"no response in time":                      context.DeadlineExceeded,
		"the connection ended before the response": io.EOF,
		"this address is not allowed":              dial(errors.New("this address is not allowed")),
		"more than 3 redirects":                    errors.New("more than 3 redirects"),
	} {
		given := fmt.Errorf("x: %w", &url.Error{Op: "Get", URL: "https://publisher.example/?key=secret", Err: err})
		if got := Reason(given); got.Error() != want || !errors.Is(got, err) {
			t.Errorf("%v: %q, want %q", given, got, want)
		}
	}
	if got := Reason(fmt.Errorf("proxyconnect: %w", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "read udp 10.0.0.7:4242->192.0.2.53:53: x", Name: "d.example"}})); strings.Contains(got.Error(), "192.0.2.53") {
		t.Errorf("the name server's address: %v", got)
	}
	if Reason(nil) != nil {
		t.Error("no error has a reason")
	}
}

// TestReasonOfServers checks the reasons of real receivers: one without TLS, one with a certificate
// that nobody vouches for, one of another name, and one that speaks another protocol.
func TestReasonOfServers(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	trusting := secure.Client()
	trusting.Transport.(*http.Transport).TLSClientConfig.ServerName = "other.test"
	other := func(send string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.CopyN(io.Discard, c, 10)
				_, _ = io.WriteString(c, send)
				_ = c.Close()
			}
		}()
		return l.Addr().String()
	}
	for _, c := range []struct {
		client    *http.Client
		url, want string
	}{
		{http.DefaultClient, strings.Replace(plain.URL, "http:", "https:", 1), "the other side does not speak TLS"},
		{http.DefaultClient, secure.URL, "the certificate is not valid: certificate signed by unknown authority"},
		{trusting, secure.URL, "the certificate is not valid: certificate is valid for example.com, *.example.com, not other.test"},
		{http.DefaultClient, "http://" + other("220 mail.example ESMTP\r\n"), "the response is not HTTP"},
		{http.DefaultClient, "https://" + other("220 mail.example ESMTP\r\n"), "the other side does not speak TLS"},
	} {
		res, err := c.client.Get(c.url)
		if err == nil {
			_ = res.Body.Close()
			t.Errorf("%s: %s", c.url, res.Status)
			continue
		}
		if got := Reason(err); got.Error() != c.want {
			t.Errorf("%v: %q, want %q", err, got, c.want)
		}
	}
}
