package states

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/usage"
)

// quotaKey names the quota of a tenant and a month.
type quotaKey struct {
	tenant uint32
	month  int32 // since the year 0
}

// quota is how much of a month's quota was given to nodes. A node that returns calls, or confirms
// that it may still use them, names the origin: another one means that the value was lost and made
// again meanwhile.
type quota struct {
	origin uint64 // not 0
	given  int64
}

func (q quota) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, q.origin)
	return binary.LittleEndian.AppendUint64(b, uint64(q.given))
}

func decodeQuota(b []byte) (q quota, err error) {
	if len(b) != 16 {
		return q, fmt.Errorf("a quota has 16 bytes, not %d", len(b))
	}
	return quota{binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:]))}, nil
}

func quotaKeeper(st *Store) keeper[quotaKey, quota] {
	return keeper[quotaKey, quota]{st: st, kind: KindQuota,
		name: func(k quotaKey) string {
			b := binary.BigEndian.AppendUint32(nil, k.tenant)
			return string(binary.BigEndian.AppendUint32(b, uint32(k.month)))
		},
		decode:  decodeQuota,
		encode:  func(b []byte, q quota) []byte { return q.append(b) },
		expires: func(_ quota, now time.Time) time.Time { return now.AddDate(0, 0, 70) },
		isLive:  func(quota) bool { return false },
	}
}

var _ usage.Blocks = (*Store)(nil)

// quotaWait is how long after a loss of memory was noticed a quota is made again. Until then all
// nodes have transferred their calls, and have dropped their blocks: see [usage.Meter].
const quotaWait = 3 * time.Second

var errQuotaLost = errors.New("the quotas were lost a moment ago; they are counted again")

// Take implements [usage.Blocks]. A block is a hundredth of what is left, and at least one call.
func (st *Store) Take(ctx context.Context, tenant uint32, month int32, limit, used int64) (b usage.Block, err error) {
	key := quotaKey{tenant, month}
	missing, start := false, quota{}
	take := func(q quota) quota {
		if missing = q.origin == 0; missing {
			q = start
		}
		given := max(q.given, used)
		if b = (usage.Block{Origin: q.origin}); q.origin == 0 || given >= limit {
			return q
		}
		b.Calls = max((limit-given)/100, 1)
		q.given = given + b.Calls
		return q
	}
	if _, err = st.quotas.update(ctx, key, Once{}, take); err != nil || !missing {
		return b, err
	}
	if start, err = st.startQuota(ctx, key); err == nil {
		_, err = st.quotas.update(ctx, key, Once{}, take)
	}
	return b, err
}

// startQuota returns the quota of a month of which no node has taken a block, or whose value was
// lost: what the ledger says.
func (st *Store) startQuota(ctx context.Context, key quotaKey) (quota, error) {
	if lost := time.Unix(0, st.noticed.Load()); st.opt.Now().Before(lost.Add(quotaWait)) {
		return quota{}, errQuotaLost
	}
	if err := st.Settle(ctx); err != nil {
		return quota{}, err
	}
	used, err := st.sink.Used(ctx, key.month)
	if err != nil {
		return quota{}, fmt.Errorf("read what a month's quota was used for: %w", err)
	}
	return quota{st.attempts.Add(1), used[key.tenant]}, nil
}

// Return implements [usage.Blocks].
func (st *Store) Return(ctx context.Context, tenant uint32, month int32, b usage.Block) error {
	_, err := st.quotas.update(ctx, quotaKey{tenant, month}, Once{}, func(q quota) quota {
		if q.origin == b.Origin {
			q.given -= b.Calls
		}
		return q
	})
	return err
}

// IsValid implements [usage.Blocks].
func (st *Store) IsValid(ctx context.Context, tenant uint32, month int32, b usage.Block) (valid bool, err error) {
	_, err = st.quotas.update(ctx, quotaKey{tenant, month}, Once{}, func(q quota) quota {
		valid = q.origin == b.Origin
		return q
	})
	return valid, err
}

// UsedIn implements [usage.Blocks].
func (st *Store) UsedIn(ctx context.Context, month int32) (map[uint32]int64, error) {
	return st.sink.Used(ctx, month)
}
