package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrBusy means that other transactions took too long.
var ErrBusy = errors.New("the database is busy: another transaction took too long")

// ErrReadOnly means that the server does not write: it is a replica, or was set to that.
var ErrReadOnly = errors.New("the database can only be read: the server is a replica, or is set to read-only")

// advice says what to do about the server's errors, by their codes.
var advice = map[string]string{
	"28000": "the server does not let this account in: check the account, the password and pg_hba.conf",
	"28P01": "the password is wrong: check the account and the password in the URL, PGPASSWORD or the password file",
	"08P01": "the server does not serve this connection: if the URL is that of PgBouncer, PgBouncer does not reach PostgreSQL",
	"3D000": "the database does not exist: create it with CREATE DATABASE NAME OWNER ACCOUNT ENCODING 'UTF8' TEMPLATE template0",
	"42501": "the account may not do that: make it the owner of the database",
	"53100": "the server's disk is full",
	"53300": "the server has too many connections: raise max_connections, lower the number of nodes, or use PgBouncer",
	"57P03": "the server is starting or stopping",
}

// explain adds what to do to an error of the server, or of connecting to it.
func explain(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return explainConnect(err)
	}
	switch e.Code {
	case "55P03": // lock_timeout
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case "25006":
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	text := advice[e.Code]
	if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting && e.Code == "42704" {
		text = "the URL has a parameter that PostgreSQL does not know: check its spelling"
	}
	if text != "" {
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
}

// connectError is the error of a connection that the server did not refuse. Its text is one line,
// whereas the driver's has a line for each way that it tried.
type connectError struct {
	text string
	err  error
}

func (e *connectError) Error() string { return e.text }
func (e *connectError) Unwrap() error { return e.err }

// explainConnect says which part of connecting failed, and what to do.
func explainConnect(err error) error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return err
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		text = fmt.Sprintf("the host %s can't be found (%s): check the URL, and the DNS of this machine", dns.Name, dns.Err)
	} else if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		text = fmt.Sprintf("PostgreSQL can't be reached at %v (%v): check the host and the port in the URL, that it runs, and listen_addresses in postgresql.conf", op.Addr, op.Err)
	} else if strings.Contains(text, "server refused TLS connection") {
		text = "the server has no TLS: set ssl = on in postgresql.conf, or sslmode=disable in the URL if nobody else can read the network"
	} else if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		text = fmt.Sprintf("the server's certificate is not trusted (%v): check the host in the URL, and name the authority with sslrootcert=FILE in it", cert.Err)
	} else if errors.Is(err, context.DeadlineExceeded) {
		text = "PostgreSQL does not respond in time: check that it runs, and the network"
	}
	return &connectError{text, err}
}

// isRefusal reports whether the server has understood a statement and refused it. A connection that
// the server ends, because it stops, is not a refusal.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(e.Code, "57P") && e.Code != "25P03"
}

// mayRepeat reports whether a transaction had no effect because of others that ran at the same
// time, and can be repeated.
func mayRepeat(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}
