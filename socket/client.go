package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	"stile.example/stile/operations"
)

// ErrNoServer means that no server listens at a data directory's socket.
var ErrNoServer = errors.New("no server is running")

// ErrLost means that the connection to the server ended before its reply, so that the outcome is
// unknown.
var ErrLost = errors.New("the server ended the connection")

// lost returns [ErrLost] with its cause.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return interrupted{}
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}

// interrupted is [ErrLost] because a signal ended the command.
type interrupted struct{}

func (interrupted) Error() string { return "interrupted while the server was importing," }

func (interrupted) Is(target error) bool { return target == ErrLost || target == context.Canceled }

// Client performs operations in the running server.
type Client struct{ http *http.Client }

// Dial finds the server of a data directory. It returns [ErrNoServer] if none is running.
func Dial(ctx context.Context, dir string) (*Client, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", File(dir))
	}}
	c := &Client{&http.Client{Transport: transport}}
	ctx, cancel := context.WithTimeout(ctx, responseTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://stile/", nil)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	switch {
	// EINVAL: the path is too long for a socket
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EINVAL):
		return nil, ErrNoServer
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET): // it is stopping
		return nil, ErrNoServer
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("the server of %s does not respond; look at its log, or restart it", dir)
	case err != nil:
		return nil, unreachable{File(dir), err}
	}
	return c, res.Body.Close()
}

// unreachable is a failure to connect to a socket. Its text is not that of net/http, which names an
// invented URL.
type unreachable struct {
	file string
	err  error
}

func (u unreachable) Error() string {
	why := u.err.Error()
	if e, ok := errors.AsType[syscall.Errno](u.err); ok {
		why = e.Error()
	}
	return fmt.Sprintf("can't contact a server at %s: %s", u.file, why)
}

func (u unreachable) Unwrap() error { return u.err }

// Do performs an operation in the server and returns its result as JSON.
func (c *Client) Do(ctx context.Context, op operations.Operation, call operations.Call) (json.RawMessage, error) {
	var body io.Reader = strings.NewReader(string(call.Input) + "\n")
	var failed <-chan error
	if call.Items != nil {
		var items io.Reader
		var stop func()
		items, failed, stop = pipeItems(call.Items)
		defer stop() // waits until the items end
		if call.StopItems != nil {
			defer call.StopItems()
		}
		body = io.MultiReader(body, items)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stile"+prefix+url.PathEscape(op.Name), body)
	if err != nil {
		return nil, err
	}
	if op.Stream == operations.BytesOut {
		req.Header.Set(streams, "1")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx, err)
	}
	defer res.Body.Close()
	result, err := readReply(ctx, res, call.Out)
	select {
	case err := <-failed: // the server only knows that it has not got all items
		return nil, fmt.Errorf("read the items: %w", err)
	default:
		return result, err
	}
}

// readReply reads the reply from the body or, if the body is a stream, from the trailer.
func readReply(ctx context.Context, res *http.Response, out io.Writer) (json.RawMessage, error) {
	var r reply
	if out != nil && res.Header.Get("Content-Type") != "application/json" {
		if _, err := io.Copy(out, res.Body); err != nil {
			return nil, fmt.Errorf("copy the server's response: %w", err)
		}
		if err := json.Unmarshal([]byte(res.Trailer.Get(trailer)), &r); err != nil {
			return nil, lost(ctx, err)
		}
	} else if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		return nil, lost(ctx, err)
	}
	if r.Error != "" {
		return nil, errors.New(r.Error)
	}
	return r.Result, nil
}

// Close closes the connections to the server.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}
