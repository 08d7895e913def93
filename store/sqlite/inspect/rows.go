package inspect

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/audit"
	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/auditlog"
	"stile.example/stile/store/tables/rows"
	"stile.example/stile/store/tables/tenanttable"
	"stile.example/stile/tenants"
	"stile.example/stile/usage"
)

// dayOf returns a day as usage has it.
func dayOf(day int64) string { return usage.Day(time.Unix(day*86400, 0)) }

// tenants checks the rows of tenants.
func (c *checker) tenants(ctx context.Context, tx *sql.Tx) error {
	c.begin("tenants")
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var number int64
		var client, status, keys string
		var columns [4]string
		if err := r.Scan(&number, &client, &status, &columns[0], &columns[1], &columns[2], &columns[3], &keys); err != nil {
			return err
		}
		c.row()
		name := fmt.Sprintf("%s, number %d", client, number)
		switch tenants.Status(status) {
		case tenants.Active, tenants.Suspended, "removed":
		default:
			c.found("a tenant has an unknown status", restoreAll, "%s: %q", name, status)
		}
		for i, text := range append(columns[:], keys) {
			if isKeys := i == len(columns); isKeys && text == "" || json.Valid([]byte(text)) {
				continue
			}
			c.found("a column of a tenant is not JSON", restoreAll, "%s, column %s", name, [...]string{"sites", "policy", "secrets", "prices", "keys"}[i])
		}
		return nil
	}, `SELECT number, client_id, status, sites, policy, secrets, prices, keys FROM tenants`)
	if err != nil {
		return fmt.Errorf("read tenants: %w", err)
	}
	return nil
}

// addresses checks the states of addresses and the address list.
func (c *checker) addresses(ctx context.Context, tx *sql.Tx) error {
	c.begin("addresses")
	clients, err := tenanttable.Names(ctx, tx)
	if err != nil {
		return err
	}
	err = rows.Each(ctx, tx, func(r rows.Row) error {
		var address, state []byte
		var bits, tenant int64
		if err := r.Scan(&address, &bits, &tenant, &state); err != nil {
			return err
		}
		c.row()
		name := rangeOf(address, bits)
		_, err := addresses.DecodeState(state)
		switch {
		case !name.IsValid():
			c.found("a row has an impossible address", restoreAll, "%x/%d", address, bits)
		case err != nil:
			c.found("the state of an address can't be read", restoreAll, "%s: %v", name, err)
		case tenant != 0 && clients[uint32(tenant)] == "":
			c.found("an address is counted for a tenant that never existed", restoreAll, "%s: tenant number %d", name, tenant)
		}
		return nil
	}, `SELECT address, bits, tenant, state FROM scopes`)
	if err != nil {
		return fmt.Errorf("read addresses: %w", err)
	}
	return c.addressList(ctx, tx)
}

// rangeOf returns the range of a row, invalid if it is impossible.
func rangeOf(address []byte, bits int64) netip.Prefix {
	a, ok := netip.AddrFromSlice(address)
	if !ok || len(address) != 16 || bits < 0 || bits > 128 {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a.Unmap(), int(bits))
}

func (c *checker) addressList(ctx context.Context, tx *sql.Tx) error {
	c.begin("address list")
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var text, kind string
		if err := r.Scan(&text, &kind); err != nil {
			return err
		}
		c.row()
		_, err := netip.ParsePrefix(text)
		if k := addresses.EntryKind(kind); err != nil || k != addresses.Allow && k != addresses.Block {
			c.found("an entry of the address list can't be read", restoreAll, "%q, %q", text, kind)
		}
		return nil
	}, `SELECT range, kind FROM address_list`)
	if err != nil {
		return fmt.Errorf("read the address list: %w", err)
	}
	return nil
}

// code is the form of a refusal's code. A code of an older version may not exist any more.
var code = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// refusals checks the rows of refusals.
func (c *checker) refusals(ctx context.Context, tx *sql.Tx) error {
	c.begin("refusals")
	latest := c.Now.Add(25 * time.Hour).UnixMilli() // the clock may have been set back by a day
	err := rows.Each(ctx, tx, func(r rows.Row) error {
		var ref, name string
		var at, more int64
		if err := r.Scan(&ref, &at, &name, &more); err != nil {
			return err
		}
		c.row()
		if !refusals.IsRef(ref) || refusals.CanonicalRef(ref) != ref || !code.MatchString(name) || more < 0 || at <= 0 || at > latest {
			c.found("a refusal has an impossible reference, code, time or count", "nothing: `stile explain` can't explain this refusal, and it is removed after a week; restore a backup if there are many", "%q, %q", ref, name)
		}
		return nil
	}, `SELECT ref, at, code, more FROM refusals`)
	if err != nil {
		return fmt.Errorf("read refusals: %w", err)
	}
	return nil
}

// keys checks that the keys in the data directory belong to the database.
func (c *checker) keys(ctx context.Context, tx *sql.Tx) error {
	c.begin("keys")
	mine, _, err := c.Keys()
	if err != nil {
		c.found("the keys can't be read", "restore keys.json from the backup that the database is from", "%v", err)
		return nil
	}
	c.row()
	stored, err := rows.All(ctx, tx, rows.Value[string], `SELECT value FROM identity WHERE name = 'secret_key'`)
	if err != nil {
		return fmt.Errorf("read identity: %w", err)
	}
	if len(stored) > 0 && stored[0] != mine {
		c.found("the keys belong to another database", "restore keys.json from the backup that the database is from", "fingerprint %s, and the database has %s", mine, stored[0])
	}
	return nil
}

// readOnly is the database for the table of the audit log.
type readOnly struct{ db *sql.DB }

func (r readOnly) Reader() *sql.DB { return r.db }

func (r readOnly) Write(context.Context, func(*sql.Tx) error) error {
	return fmt.Errorf("a check writes nothing")
}

// audit checks the chain of the audit log.
func (c *checker) audit(ctx context.Context) error {
	c.begin("audit log")
	_, secret, err := c.Keys()
	if err != nil {
		return nil // a finding of its own
	}
	log, err := audit.NewLog(auditlog.Table{DB: readOnly{c.DB}}, secret)
	if err != nil {
		return err
	}
	v, err := log.Verify(ctx, "")
	if err != nil {
		return err
	}
	c.report.Checked[c.part] = v.Entries
	if v.Wrong != 0 {
		c.found("the audit log was changed", "compare it with that of a backup: `stile audit verify` and `stile audit list` show the entries; somebody with access to the file changed it, or the disk did", "entry %d", v.Wrong)
	}
	return nil
}
