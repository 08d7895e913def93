package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"testing"
)

// TestReason checks that no word of net and net/http is in a reason, that it has no URL, and that
// the error itself is still there.
func TestReason(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		"connection refused":                       dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"the host no.example is unknown":           dial(&net.DNSError{Err: "no such host", Name: "no.example", Server: "192.0.2.53:53", IsNotFound: true}),
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
	if Reason(nil) != nil {
		t.Error("no error has a reason")
	}
}
