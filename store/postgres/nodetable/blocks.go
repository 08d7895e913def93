package nodetable

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/store/tables/rows"
)

// Blocks is the table of the blocks that rules decided and lifted recently, by which the nodes tell
// each other.
type Blocks struct{ DB rows.DB }

// Block is the block of a scope until a time in Unix seconds, 0 if it was lifted.
type Block struct {
	Scope  addresses.Scope
	Until  int64
	Number int64 // larger than that of all earlier changes
}

// keepBlocks is how long a change is kept. A block that has not ended is kept for longer: so a node
// that heard nothing for hours misses none. It may continue one that was lifted meanwhile.
const keepBlocks = time.Hour

// Put stores changes of blocks, of each scope at most one. There may be thousands, and other
// transactions wait, so it sends them with one statement.
func (b Blocks) Put(ctx context.Context, some []Block) error {
	var address [][]byte
	var bits, tenant, until []int64
	for _, one := range some {
		a := one.Scope.Range.Addr().As16()
		address, bits = append(address, a[:]), append(bits, int64(one.Scope.Range.Bits()))
		tenant, until = append(tenant, int64(one.Scope.Tenant)), append(until, one.Until)
	}
	return b.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO blocks (address, bits, tenant, until, at)
			SELECT *, `+now+` FROM unnest(?::bytea[], ?::bigint[], ?::bigint[], ?::bigint[])
			ON CONFLICT (address, bits, tenant) DO UPDATE SET until = excluded.until, number = nextval('block_numbers'), at = excluded.at`,
			address, bits, tenant, until)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM blocks WHERE at < `+now+` - ? AND until < `+now+` / 1000`, keepBlocks.Milliseconds())
		return err
	})
}

// Since returns the changes after a number, in order.
func (b Blocks) Since(ctx context.Context, number int64) ([]Block, error) {
	return rows.All(ctx, b.DB.Reader(), scanBlock, `
		SELECT address, bits, tenant, until, number FROM blocks WHERE number > ? ORDER BY number`, number)
}

func scanBlock(r rows.Row) (b Block, err error) {
	var address []byte
	var bits int
	if err := r.Scan(&address, &bits, &b.Scope.Tenant, &b.Until, &b.Number); err != nil {
		return b, err
	}
	a, _ := netip.AddrFromSlice(address)
	b.Scope.Range = netip.PrefixFrom(a.Unmap(), bits)
	return b, nil
}
