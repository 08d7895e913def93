package accounts

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"

	"stile.example/stile/admins"
	"stile.example/stile/store/tables/rows"
)

const tokenColumns = `t.id, t.admin, t.name, t.role, t.hash, t.last_four, t.created_at, t.expires_at, t.last_used`

// AddToken implements [admins.TokenStore].
func (t Table) AddToken(ctx context.Context, k admins.Token, most int) (admins.Token, error) {
	err := t.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		if err := limit(ctx, tx, most, `SELECT count(*) FROM admin_tokens WHERE admin = ?`, k.Admin); err != nil {
			return err
		}
		if _, _, err := adminAndOwners(ctx, tx, k.Admin); err != nil {
			return err
		}
		if err := isNew(ctx, tx, `SELECT count(*) FROM admin_tokens WHERE hash = ?`, k.Hash[:]); err != nil {
			return err
		}
		k.ID, err = insert(ctx, tx, `INSERT INTO admin_tokens (admin, name, role, hash, last_four, created_at, expires_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			k.Admin, k.Name, k.Role, k.Hash[:], k.LastFour, rows.Millis(k.CreatedAt), rows.Millis(k.ExpiresAt), rows.Millis(k.LastUsed))
		return err
	})
	return k, err
}

// Tokens implements [admins.TokenStore].
func (t Table) Tokens(ctx context.Context, admin int64) ([]admins.Token, error) {
	return list(ctx, t, scanToken, `SELECT `+tokenColumns+` FROM admin_tokens t WHERE t.admin = ? ORDER BY t.id DESC`, admin)
}

// FindToken implements [admins.TokenStore].
func (t Table) FindToken(ctx context.Context, hash [sha256.Size]byte) (k admins.Token, a admins.Admin, err error) {
	r := t.DB.Reader().QueryRowContext(ctx, `SELECT `+tokenColumns+`, `+adminColumns+` FROM admin_tokens t JOIN admins a ON a.number = t.admin WHERE t.hash = ?`, hash[:])
	err = readError(r.Scan(append(tokenFields(&k), adminFields(&a)...)...))
	return k, a, err
}

// UseToken implements [admins.TokenStore].
func (t Table) UseToken(ctx context.Context, id int64, at time.Time) error {
	return t.change(ctx, `UPDATE admin_tokens SET last_used = CASE WHEN last_used < ? THEN ? ELSE last_used END WHERE id = ?`, rows.Millis(at), rows.Millis(at), id)
}

// RemoveToken implements [admins.TokenStore].
func (t Table) RemoveToken(ctx context.Context, admin, id int64) error {
	return t.change(ctx, `DELETE FROM admin_tokens WHERE admin = ? AND id = ?`, admin, id)
}

// RemoveTokens implements [admins.TokenStore].
func (t Table) RemoveTokens(ctx context.Context, admin int64) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM admin_tokens WHERE admin = ?`, admin)
		return err
	})
}

func scanToken(r rows.Row) (k admins.Token, err error) {
	err = r.Scan(tokenFields(&k)...)
	return k, err
}

// tokenFields are those of tokenColumns.
func tokenFields(k *admins.Token) []any {
	return []any{&k.ID, &k.Admin, &k.Name, &k.Role, digest{&k.Hash}, &k.LastFour, moment{&k.CreatedAt}, moment{&k.ExpiresAt}, moment{&k.LastUsed}}
}

// digest reads a hash.
type digest struct{ to *[sha256.Size]byte }

// Scan implements [sql.Scanner].
func (d digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != sha256.Size {
		return fmt.Errorf("%T is not a hash", v)
	}
	copy(d.to[:], b)
	return nil
}

const sessionColumns = `s.id, s.admin, s.hash, s.credential, s.address, s.browser, s.created_at, s.seen_at`

// AddSession implements [admins.SessionStore].
func (t Table) AddSession(ctx context.Context, s admins.Session, most int, isOver func(admins.Session) bool) (admins.Session, error) {
	err := t.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		if err := removeOld(ctx, tx, s.Admin, most, isOver); err != nil {
			return err
		}
		if _, _, err := adminAndOwners(ctx, tx, s.Admin); err != nil {
			return err
		}
		if err := isNew(ctx, tx, `SELECT count(*) FROM admin_sessions WHERE hash = ?`, s.Hash[:]); err != nil {
			return err
		}
		s.ID, err = insert(ctx, tx, `INSERT INTO admin_sessions (admin, hash, credential, address, browser, created_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			s.Admin, s.Hash[:], s.Credential, s.Address, s.Browser, rows.Millis(s.CreatedAt), rows.Millis(s.SeenAt))
		return err
	})
	return s, err
}

// removeOld removes the sessions that are over, and the oldest ones of an account until it has
// fewer than most.
func removeOld(ctx context.Context, tx *sql.Tx, admin int64, most int, isOver func(admins.Session) bool) error {
	all, err := rows.All(ctx, tx, scanSession, `SELECT `+sessionColumns+` FROM admin_sessions s ORDER BY s.id DESC`)
	if err != nil {
		return readError(err)
	}
	own := 0
	for _, s := range all {
		if s.Admin == admin {
			own++
		}
		if isOver(s) || s.Admin == admin && own >= most {
			if _, err := tx.ExecContext(ctx, `DELETE FROM admin_sessions WHERE id = ?`, s.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sessions implements [admins.SessionStore].
func (t Table) Sessions(ctx context.Context, admin int64) ([]admins.Session, error) {
	return list(ctx, t, scanSession, `SELECT `+sessionColumns+` FROM admin_sessions s WHERE s.admin = ? ORDER BY s.id DESC`, admin)
}

// FindSession implements [admins.SessionStore].
func (t Table) FindSession(ctx context.Context, hash [sha256.Size]byte) (s admins.Session, a admins.Admin, err error) {
	r := t.DB.Reader().QueryRowContext(ctx, `SELECT `+sessionColumns+`, `+adminColumns+` FROM admin_sessions s JOIN admins a ON a.number = s.admin WHERE s.hash = ?`, hash[:])
	err = readError(r.Scan(append(sessionFields(&s), adminFields(&a)...)...))
	return s, a, err
}

// SeeSession implements [admins.SessionStore].
func (t Table) SeeSession(ctx context.Context, id int64, at time.Time) error {
	return t.change(ctx, `UPDATE admin_sessions SET seen_at = CASE WHEN seen_at < ? THEN ? ELSE seen_at END WHERE id = ?`, rows.Millis(at), rows.Millis(at), id)
}

// RemoveSession implements [admins.SessionStore].
func (t Table) RemoveSession(ctx context.Context, admin, id int64) error {
	return t.change(ctx, `DELETE FROM admin_sessions WHERE admin = ? AND id = ?`, admin, id)
}

// RemoveSessions implements [admins.SessionStore].
func (t Table) RemoveSessions(ctx context.Context, admin, but int64) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM admin_sessions WHERE admin = ? AND id <> ?`, admin, but)
		return err
	})
}

func scanSession(r rows.Row) (s admins.Session, err error) {
	err = r.Scan(sessionFields(&s)...)
	return s, err
}

// sessionFields are those of sessionColumns.
func sessionFields(s *admins.Session) []any {
	return []any{&s.ID, &s.Admin, digest{&s.Hash}, &s.Credential, &s.Address, &s.Browser, moment{&s.CreatedAt}, moment{&s.SeenAt}}
}

// AddPasskey implements [admins.PasskeyStore].
func (t Table) AddPasskey(ctx context.Context, p admins.Passkey, most int) (admins.Passkey, error) {
	err := t.DB.Write(ctx, func(tx *sql.Tx) (err error) {
		if err := limit(ctx, tx, most, `SELECT count(*) FROM admin_passkeys WHERE admin = ?`, p.Admin); err != nil {
			return err
		}
		if _, _, err := adminAndOwners(ctx, tx, p.Admin); err != nil {
			return err
		}
		if err := isNew(ctx, tx, `SELECT count(*) FROM admin_passkeys WHERE credential = ?`, p.Credential); err != nil {
			return err
		}
		p.ID, err = insert(ctx, tx, `INSERT INTO admin_passkeys (admin, name, host, credential, record, created_at, last_used) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			p.Admin, p.Name, p.Host, p.Credential, string(p.Record), rows.Millis(p.CreatedAt), rows.Millis(p.LastUsed))
		return err
	})
	return p, err
}

// Passkeys implements [admins.PasskeyStore].
func (t Table) Passkeys(ctx context.Context, admin int64) ([]admins.Passkey, error) {
	return list(ctx, t, scanPasskey, `SELECT id, admin, name, host, credential, record, created_at, last_used FROM admin_passkeys WHERE admin = ? ORDER BY id`, admin)
}

// UsePasskey implements [admins.PasskeyStore].
func (t Table) UsePasskey(ctx context.Context, id int64, record []byte, at time.Time) error {
	return t.change(ctx, `UPDATE admin_passkeys SET record = ?, last_used = ? WHERE id = ?`, string(record), rows.Millis(at), id)
}

// RemovePasskey implements [admins.PasskeyStore].
func (t Table) RemovePasskey(ctx context.Context, admin, id int64) error {
	return t.change(ctx, `DELETE FROM admin_passkeys WHERE admin = ? AND id = ?`, admin, id)
}

// RemovePasskeys implements [admins.PasskeyStore].
func (t Table) RemovePasskeys(ctx context.Context, admin int64) error {
	return t.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM admin_passkeys WHERE admin = ?`, admin)
		return err
	})
}

func scanPasskey(r rows.Row) (p admins.Passkey, err error) {
	var record string
	err = r.Scan(&p.ID, &p.Admin, &p.Name, &p.Host, &p.Credential, &record, moment{&p.CreatedAt}, moment{&p.LastUsed})
	p.Record = []byte(record)
	return p, err
}
