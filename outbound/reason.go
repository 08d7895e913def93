package outbound

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Reason returns why a request failed, in words for people. Those of net/http name its functions
// and the whole URL, which may contain a secret. The error that is returned wraps the one given.
func Reason(err error) error {
	if err == nil {
		return nil
	}
	return reason{textOf(err), err}
}

type reason struct {
	text string
	err  error
}

func (r reason) Error() string { return r.text }
func (r reason) Unwrap() error { return r.err }

// textOf returns the text of a reason. The address of the machine's name server is not in it, nor
// that of a local port: those of net are.
func textOf(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	name, isName := errors.AsType[*net.DNSError](err)
	late, isNet := errors.AsType[net.Error](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	alert, isAlert := errors.AsType[tls.AlertError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isName && name.IsNotFound:
		return fmt.Sprintf("the host %s is unknown", name.Name)
	case isName && name.IsTimeout:
		return fmt.Sprintf("the host %s can't be looked up: the name server did not respond in time", name.Name)
	case isName:
		return fmt.Sprintf("the host %s can't be looked up: the name server of this machine does not work", name.Name)
	case isNet && late.Timeout():
		return "no response in time"
	case isErrno:
		return errno.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended before the response"
	case isCertificate:
		return "the certificate is not valid: " + withoutPackage(certificate.Err)
	case isAlert:
		return "the other side refused the TLS connection: " + withoutPackage(alert)
	case isRecord || errors.Is(err, http.ErrSchemeMismatch):
		return "the other side does not speak TLS"
	case isOp:
		return withoutPackage(op.Err)
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "the response is not HTTP"
	}
	return withoutPackage(err)
}

// withoutPackage returns the text of an error without the names of Go's packages before it.
func withoutPackage(err error) string {
	text := err.Error()
	for _, name := range []string{"x509: ", "tls: ", "net/http: ", "http: ", "net: "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}
