package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stile.example/stile/store/breaker"
)

// ErrAway means that the server has not responded recently, or that too many requests wait for it,
// so that a request was not sent.
var ErrAway = errors.New("PostgreSQL was not asked; `stile check` says why")

const (
	// tripAfter is how many requests must fail until others fail at once. Each node polls four times a
	// second, so that takes about a second.
	tripAfter = 5
	// patience is how long the server must be silent at least, until that says something about it.
	patience = 250 * time.Millisecond
	// silenceAfter is how long a connection waits for the next bytes of the server, after the longest
	// time of a statement.
	silenceAfter = 5 * time.Second
)

// Stats returns what was counted of the requests to the server.
func (db *DB) Stats() breaker.Stats { return db.breaker.Stats() }

// ask sends a request, if the breaker admits it.
func (c connector) ask(ctx context.Context, request func() error) (err error) {
	leave, err := c.breaker.Enter()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	outcome, began := breaker.GivenUp, time.Now() // of a request that panics
	defer func() { err = leave(outcome, err) }()
	err = request()
	outcome = outcomeOf(ctx, err, time.Since(began))
	return err
}

// outcomeOf says what an error of a request means.
func outcomeOf(ctx context.Context, err error, took time.Duration) breaker.Outcome {
	server, isServers := errors.AsType[*pgconn.PgError](err)
	dial, _ := errors.AsType[*net.OpError](err)
	switch {
	case isServers && server.Code == "57P03": // it is starting or stopping
		return breaker.Silent
	case isServers && (server.Code == "57P01" || server.Code == "57P02"): // it ends connections
		return breaker.Cut
	case err == nil, isServers && !saysDown(server.Code):
		return breaker.Responded
	case isServers, errors.Is(err, errReadOnly):
		return breaker.Refused
	case errors.Is(ctx.Err(), context.Canceled):
		return breaker.GivenUp
	case pgconn.Timeout(err), errors.Is(err, context.DeadlineExceeded):
		if took < patience {
			return breaker.GivenUp
		}
		return breaker.Silent
	case dial != nil && dial.Op == "dial":
		return breaker.Silent
	}
	return breaker.Cut
}

// saysDown reports whether a server that responds with a code does not work. Codes that begin with
// 08 are of PgBouncer, which does not reach the server.
func saysDown(code string) bool {
	return code == "25006" || slices.ContainsFunc([]string{"08", "53", "57P", "58"}, func(class string) bool { return strings.HasPrefix(code, class) })
}

// boundWaits makes connections of a configuration end if the server's machine is gone, and if the
// server is silent for too long.
func boundWaits(cfg *pgx.ConnConfig, silence time.Duration) {
	d := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &patientConn{Conn: c, silence: silence}, nil
	}
}

// patientConn ends a read during which nothing arrives for a time. pgx reads only while it waits
// for a response. A deadline that pgx sets comes first.
type patientConn struct {
	net.Conn
	silence time.Duration

	mu    sync.Mutex
	isSet bool // pgx has set a deadline
}

// SetDeadline implements [net.Conn].
func (c *patientConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isSet = !t.IsZero()
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *patientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.isSet = !t.IsZero()
	return c.Conn.SetReadDeadline(t)
}

// Read implements [net.Conn].
func (c *patientConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	if !c.isSet {
		_ = c.Conn.SetReadDeadline(time.Now().Add(c.silence)) // if it fails, Read does too
	}
	c.mu.Unlock()
	return c.Conn.Read(b)
}
