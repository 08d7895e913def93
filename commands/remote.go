package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// remote does operations in the running server.
type remote struct{ client *http.Client }

// dial finds the server of a data directory; errNoServer if there is none.
func dial(ctx context.Context, dir string) (*remote, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socketFile(dir))
	}}
	r := &remote{&http.Client{Transport: transport}}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://stile/", nil)
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	switch {
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EINVAL): // EINVAL: a path too long for a socket
		return nil, errNoServer
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET): // it is just ending
		return nil, errNoServer
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("a server holds %s and does not answer; look at its log, or restart it", dir)
	case err != nil:
		return nil, fmt.Errorf("reach the server: %w", err)
	}
	return r, res.Body.Close()
}

func (r *remote) do(ctx context.Context, name string, c input) (json.RawMessage, error) {
	var body io.Reader = strings.NewReader(string(c.params) + "\n")
	if c.items != nil {
		items, stop := pipeItems(c.items)
		defer stop()
		body = io.MultiReader(body, items)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://stile/"+name, body)
	if err != nil {
		return nil, err
	}
	if c.out != nil {
		req.Header.Set(streams, "1")
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the server broke off: %w", err)
	}
	defer res.Body.Close()
	return read(res, c.out)
}

// read takes the answer from the body, or from behind the stream.
func read(res *http.Response, out io.Writer) (json.RawMessage, error) {
	var said answer
	if out == nil {
		if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
			return nil, fmt.Errorf("the server broke off: %w", err)
		}
	} else {
		if _, err := io.Copy(out, res.Body); err != nil {
			return nil, fmt.Errorf("copy what the server sends: %w", err)
		}
		if err := json.Unmarshal([]byte(res.Trailer.Get(trailer)), &said); err != nil {
			return nil, fmt.Errorf("the server broke off: %w", err)
		}
	}
	if said.Error != "" {
		return nil, errors.New(said.Error)
	}
	return said.Result, nil
}

func (r *remote) close() error {
	r.client.CloseIdleConnections()
	return nil
}
