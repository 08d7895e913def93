package outbound

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
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

func textOf(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	name, isName := errors.AsType[*net.DNSError](err)
	late, isNet := errors.AsType[net.Error](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case isName && name.IsNotFound:
		return fmt.Sprintf("the host %s is unknown", name.Name)
	case isName:
		return fmt.Sprintf("the host %s can't be looked up: %s", name.Name, name.Err)
	case isNet && late.Timeout():
		return "no response in time"
	case isErrno:
		return errno.Error()
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection ended before the response"
	case isOp:
		return op.Err.Error()
	}
	return err.Error()
}
