package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrBusy means that other transactions took too long.
var ErrBusy = errors.New("the database is busy: another transaction took too long")

// ErrReadOnly means that the server does not write: it is a replica, or its disk is full.
var ErrReadOnly = errors.New("the database can only be read: the server is a replica, or is set to read-only")

// advice says what to do about the server's errors, by their codes.
var advice = map[string]string{
	"28000": "the server does not let this account in: check the account, the password and pg_hba.conf",
	"28P01": "the password is wrong: check the account and the password in the URL, PGPASSWORD or the password file",
	"3D000": "the database does not exist: create it with `createdb`",
	"42501": "the account may not do that: make it the owner of the database",
	"53100": "the server's disk is full",
	"53300": "the server has too many connections: raise max_connections, lower the number of nodes, or use PgBouncer",
	"57P03": "the server is starting up",
}

// explain adds what to do to an error of the server.
func explain(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch e.Code {
	case "55P03": // lock_timeout
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case "25006":
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if text := advice[e.Code]; text != "" {
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
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
