package move

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"strings"

	"stile.example/stile/store/tables/rows"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/signing"
)

// The parts of a result that are not tables.
const (
	tokensPart    = "states of tokens"
	addressesPart = "states of addresses"
	itemsPart     = "items of the corpus"
	callsPart     = "calls, by tenant, day and route"
	recordsPart   = "records, by tenant, day and route"
	tokenRowsPart = "tokens in lists"
	keysPart      = "keys"
	certsPart     = "certificates of ACME"
	auditPart     = "audit log, its chain verified"
)

// usageKey identifies what is added up.
type usageKey struct {
	tenant, day int64
	route       tokens.Route
}

// used is what was used.
type used struct{ calls, records int64 }

type usageSums map[usageKey]used

func (s usageSums) add(k usageKey, u used) {
	if u == (used{}) {
		return
	}
	was := s[k]
	s[k] = used{was.calls + u.calls, was.records + u.records}
}

func (s usageSums) total() (u used) {
	for _, one := range s {
		u.calls, u.records = u.calls+one.calls, u.records+one.records
	}
	return u
}

// read adds the rows of a query: tenant, day, route, calls and records.
func (s usageSums) read(ctx context.Context, tx *sql.Tx, query string) error {
	return rows.Each(ctx, tx, func(r rows.Row) error {
		var k usageKey
		var u used
		if err := r.Scan(&k.tenant, &k.day, &k.route, &u.calls, &u.records); err != nil {
			return err
		}
		s.add(k, u)
		return nil
	}, query)
}

// addCounts adds the counts of the live tokens to the ledger of the target, which has those of all
// tokens.
func (m *mover) addCounts(ctx context.Context, from, to *sql.Tx) error {
	m.progress.begin("counts of tokens")
	if err := m.used.read(ctx, from, `SELECT tenant, day, route, calls, records FROM ledger`); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	columns := []column{{"tenant", integer}, {"day", integer}, {"route", integer}, {"token", bytes}, {"calls", integer}, {"records", integer}}
	in := newInserter(to, "ledger", columns,
		` ON CONFLICT (tenant, day, route, token) DO UPDATE SET calls = ledger.calls + excluded.calls, records = ledger.records + excluded.records`)
	err := m.source.eachToken(ctx, from, func(id tokens.ID, s tokens.State) error {
		m.progress.rows(1)
		for u := range s.Uses() {
			calls, records := int64(u.Calls), int64(u.Records)
			m.used.add(usageKey{int64(s.Tenant), int64(u.Day), u.Route}, used{calls, records})
			err := in.add(ctx, []any{int64(s.Tenant), int64(u.Day), int64(u.Route), id[:], calls, records}, 64)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add the counts of tokens: %w", err)
	}
	return in.flush(ctx)
}

// verifyTable compares a table of the target with what was copied.
func (m *mover) verifyTable(ctx context.Context, to *sql.Tx, p plan, columns []column) error {
	found, err := m.digestOf(ctx, to, p.name, columns)
	if err != nil {
		return err
	}
	want := m.digests[p.name]
	m.part(p.title(), want.rows, found.rows, found.equal(want))
	return nil
}

// verify compares the sums of the target with those of the source. It returns [ErrDiffers] if
// anything that was moved is not the same.
func (m *mover) verify(ctx context.Context, to *sql.Tx) error {
	m.progress.begin("usage")
	found := usageSums{}
	if err := found.read(ctx, to, `SELECT tenant, day, route, calls, records FROM ledger_days`); err != nil {
		return fmt.Errorf("read the usage in the target: %w", err)
	}
	same, want, got := maps.Equal(found, m.used), m.used.total(), found.total()
	m.part(callsPart, want.calls, got.calls, same)
	m.part(recordsPart, want.records, got.records, same)
	var listed digest
	columns := []column{{"id", bytes}, {"state", bytes}}
	if err := eachRow(ctx, to, "tokens", columns, func(row []any) error { listed.add(row); return nil }); err != nil {
		return fmt.Errorf("read the tokens in the target: %w", err)
	}
	m.part(tokenRowsPart, m.tokens.rows, listed.rows, listed.equal(&m.tokens))
	var wrong []string
	for _, p := range m.result.Parts {
		if !p.Same {
			wrong = append(wrong, fmt.Sprintf("%s (%d and %d)", p.Part, p.Source, p.Target))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrDiffers, strings.Join(wrong, ", "))
	}
	return nil
}

// moveKeys stores the keys in the target, encrypted, and reads them back.
func (m *mover) moveKeys(ctx context.Context, to *sql.Tx) error {
	m.progress.begin(keysPart)
	sealed, err := m.source.keys.Set().Seal(m.Target.Box)
	if err != nil {
		return err
	}
	_, err = to.ExecContext(ctx, `INSERT INTO sealed (name, value, key, changed) VALUES ('keys', ?, ?, ?)`,
		sealed, m.Target.Box.Fingerprint(), m.Now().UnixMilli())
	if err != nil {
		return fmt.Errorf("store the keys: %w", err)
	}
	var stored []byte
	if err := to.QueryRowContext(ctx, `SELECT value FROM sealed WHERE name = 'keys'`).Scan(&stored); err != nil {
		return fmt.Errorf("read the keys back: %w", err)
	}
	set, err := signing.Unseal(m.Target.Box, stored, m.Now())
	if err != nil {
		return fmt.Errorf("read the keys back: %w", err)
	}
	moved := signing.Shared(set, false)
	fingerprint, err := moved.Fingerprint()
	want, got := m.source.keys.List(), moved.List()
	same := err == nil && fingerprint == m.source.fingerprint && len(want) == len(got) && want[0].KID == got[0].KID
	m.part(keysPart, int64(len(want)), int64(len(got)), same)
	return err
}
