package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/addresslist"
)

var _ addresses.Store = (*DB)(nil)

// UpdateAddress implements [addresses.Store]. Its step waits in the same queue as the steps of
// tokens, and is written with them. As with [DB.Update], fn must not call the database.
func (db *DB) UpdateAddress(ctx context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !a.Range.IsValid() {
		return errors.New("missing address")
	}
	s := db.writer.steps.Get().(*step)
	s.addr, s.addrFn = addrKeyOf(a), fn
	return db.writer.enqueue(ctx, s)
}

// EachAddress implements [addresses.Store]. Every state has a row.
func (db *DB) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	rows, err := db.read.QueryContext(ctx, `SELECT address, bits, tenant, state FROM scopes`)
	if err != nil {
		return fmt.Errorf("read addresses: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var p addrKey
		var b sql.RawBytes
		if err := rows.Scan(&p, &p.bits, &p.tenant, &b); err != nil {
			return fmt.Errorf("read addresses: %w", err)
		}
		s, err := addresses.DecodeState(b)
		if err != nil {
			return fmt.Errorf("address %s: %w", p.scope().Range, err)
		}
		fn(p.scope(), s)
	}
	return rows.Err()
}

// addrKey is a scope as it is stored. It contains no pointer.
type addrKey struct {
	address [16]byte
	bits    uint8
	tenant  uint32
}

func addrKeyOf(s addresses.Scope) addrKey {
	return addrKey{s.Range.Addr().As16(), uint8(s.Range.Bits()), s.Tenant}
}

func (p addrKey) scope() addresses.Scope {
	return addresses.Scope{Range: netip.PrefixFrom(netip.AddrFrom16(p.address).Unmap(), int(p.bits)), Tenant: p.tenant}
}

// Scan implements [sql.Scanner] for the address.
func (p *addrKey) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(p.address) {
		return fmt.Errorf("%v is not an address", v)
	}
	p.address = [16]byte(b)
	return nil
}

func compareAddrKeys(a, b addrKey) int {
	return cmp.Or(bytes.Compare(a.address[:], b.address[:]), cmp.Compare(a.bits, b.bits), cmp.Compare(a.tenant, b.tenant))
}

// applyToAddress applies the step of an address.
func (w *writer) applyToAddress(s *step) error {
	old, err := w.findAddress(s.addr)
	if err != nil {
		w.report(err)
		return fmt.Errorf("read address: %w", err)
	}
	next, err := call(w, s.addrFn, old)
	if err == nil && next != old {
		w.addrs.changed[s.addr] = next
	}
	return err
}

// findAddress returns the state of an address, from memory or from its row.
func (w *writer) findAddress(p addrKey) (addresses.State, error) {
	if s, ok := w.addrs.find(p); ok {
		return s, nil
	}
	s, err := readAddress(w.db.write, p)
	if err == nil {
		w.addrs.rows.Put(p, s)
	}
	return s, err
}

// readAddress reads the row of an address. An address without one has the zero State.
func readAddress(q *sql.DB, p addrKey) (addresses.State, error) {
	var b []byte
	err := q.QueryRow(`SELECT state FROM scopes WHERE address = ? AND bits = ? AND tenant = ?`, p.address[:], p.bits, p.tenant).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return addresses.State{}, nil
	}
	if err != nil {
		return addresses.State{}, err
	}
	return addresses.DecodeState(b)
}

// writeAddress writes the row of an address. The zero State has no row.
func writeAddress(tx *sql.Tx, p addrKey, s addresses.State, now time.Time) error {
	if s == (addresses.State{}) {
		_, err := tx.Exec(`DELETE FROM scopes WHERE address = ? AND bits = ? AND tenant = ?`, p.address[:], p.bits, p.tenant)
		return err
	}
	_, err := tx.Exec(`
		INSERT INTO scopes (address, bits, tenant, forget, state)
		VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (address, bits, tenant) DO UPDATE SET forget = excluded.forget, state = excluded.state`,
		p.address[:], p.bits, p.tenant, addresslist.ForgetAt(s, now), addresses.AppendState(nil, s))
	return err
}

// sweepAddresses removes the rows of some addresses whose states no longer matter.
func (w *writer) sweepAddresses(now time.Time) (n int, err error) {
	var gone []addrKey
	err = w.db.tx(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query(`
			DELETE FROM scopes WHERE (address, bits, tenant) IN (
				SELECT address, bits, tenant FROM scopes WHERE forget < ? ORDER BY forget LIMIT ?)
			RETURNING address, bits, tenant`, now.Unix(), sweepRows)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p addrKey
			if err := rows.Scan(&p, &p.bits, &p.tenant); err != nil {
				return err
			}
			gone = append(gone, p)
		}
		return rows.Err()
	})
	w.report(err)
	if err != nil {
		return 0, err
	}
	w.db.checkpointer.wrote(len(gone))
	for _, p := range gone {
		w.addrs.rows.Delete(p)
	}
	return len(gone), nil
}
