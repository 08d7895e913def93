package states

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"stile.example/stile/addresses"
)

// addressKey is a scope as it is stored: its address, the bits of its range, and its tenant.
type addressKey [16 + 1 + 4]byte

func addressKeyOf(s addresses.Scope) (k addressKey) {
	a := s.Range.Addr().As16()
	copy(k[:], a[:])
	k[16] = uint8(s.Range.Bits())
	binary.BigEndian.PutUint32(k[17:], s.Tenant)
	return k
}

func scopeOf(id string) (s addresses.Scope, err error) {
	if len(id) != len(addressKey{}) {
		return s, fmt.Errorf("%x does not name an address", id)
	}
	a := netip.AddrFrom16([16]byte([]byte(id[:16]))).Unmap()
	s = addresses.Scope{Range: netip.PrefixFrom(a, int(id[16])), Tenant: binary.BigEndian.Uint32([]byte(id[17:]))}
	if !s.Range.IsValid() {
		return s, fmt.Errorf("%x does not name a range", id)
	}
	return s, nil
}

// addressExpires returns when the state of an address no longer matters, if it does not change: a
// week for each step by which its next block would be longer, and eight days. The eighth day allows
// for a clock that is set back by a day. It is a whole hour, so that it changes rarely.
func addressExpires(s addresses.State, now time.Time) time.Time {
	const hour = 60 * 60
	const day = 24 * hour
	at := max(now.Unix(), s.Until+7*day*int64(s.Step)) + 8*day
	if s == (addresses.State{}) {
		at = now.Unix() + day
	}
	at = min(at, now.Unix()+100*365*day) // blocks of addresses.Forever
	return time.Unix((at+hour-1)/hour*hour, 0)
}

// UpdateAddress implements [addresses.Store].
func (st *Store) UpdateAddress(ctx context.Context, a addresses.Scope, fn func(addresses.State) addresses.State) error {
	if !a.Range.IsValid() {
		return errors.New("missing address")
	}
	_, err := st.addresses.update(ctx, addressKeyOf(a), Once{}, fn)
	return err
}

// EachAddress implements [addresses.Store].
func (st *Store) EachAddress(ctx context.Context, fn func(addresses.Scope, addresses.State)) error {
	seen := map[string]bool{} // the engine may repeat a value
	err := st.engine.Each(ctx, KindAddress, func(k Key, b []byte) error {
		a, err := st.readAddress(k, b)
		if err != nil || a.State == (addresses.State{}) || seen[k.ID] {
			return err
		}
		seen[k.ID] = true
		fn(a.Scope, a.State)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read addresses: %w", err)
	}
	return nil
}

// readAddress reads the value of an address.
func (st *Store) readAddress(k Key, b []byte) (a Address, err error) {
	if a.Scope, err = scopeOf(k.ID); err != nil {
		return a, err
	}
	copy(a.key[:], k.ID)
	v, err := parseValue(b)
	if err == nil {
		a.Version = v.order()
		a.State, err = addresses.DecodeState(v.state)
	}
	if err != nil {
		return a, fmt.Errorf("address %s: %w", a.Scope.Range, err)
	}
	a.Expires = addressExpires(a.State, st.opt.Now()).Unix()
	return a, nil
}

// noteAddress notes a state that is to be transferred.
func (st *Store) noteAddress(key addressKey, v value, s addresses.State) {
	scope, err := scopeOf(string(key[:]))
	if err != nil {
		st.opt.Log.Error("a state of an address is not transferred", "err", err)
		return
	}
	st.dirtyAddresses.add(key, Address{scope, v.order(), addressExpires(s, st.opt.Now()).Unix(), s, key})
}

// restoreBlocks stores the blocks of addresses again that the engine has lost: those that were
// transferred, and have not ended. Nodes that start later would not know them otherwise. All other
// counts of addresses begin again.
func (st *Store) restoreBlocks(ctx context.Context) error {
	if !st.blocksLost.CompareAndSwap(true, false) {
		return nil
	}
	blocked := map[addresses.Scope]addresses.State{}
	err := st.sink.EachAddress(ctx, func(a addresses.Scope, s addresses.State) {
		if s.Until > st.opt.Now().Unix() && len(blocked) < maxDirty {
			blocked[a] = s
		}
	})
	for a, lost := range blocked {
		if err == nil {
			err = st.UpdateAddress(ctx, a, func(s addresses.State) addresses.State {
				if s.Until == 0 {
					return lost
				}
				return s
			})
		}
	}
	if err != nil {
		st.blocksLost.Store(true)
		return fmt.Errorf("store blocks of addresses again: %w", err)
	}
	return nil
}
