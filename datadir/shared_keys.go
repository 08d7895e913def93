package datadir

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stile.example/stile/datadir/moved"
	"stile.example/stile/nodes"
	"stile.example/stile/settings"
	"stile.example/stile/store/postgres/nodetable"
	"stile.example/stile/tokens/signing"
)

// This file has the keys of nodes: in PostgreSQL, encrypted with the key of the setting
// store_key_file.

// sealedKeys is the name of the keys in the table of sealed values.
const sealedKeys = "keys"

// NewBox returns the box for what is encrypted in the database.
func NewBox(s *settings.Settings) (*signing.Box, error) {
	keys, err := s.StoreSecrets()
	if err != nil {
		return nil, err
	}
	return signing.NewBox(keys[0], keys[1:]...)
}

// checkSharedKeys returns an error if the keys in the database can't be decrypted, and otherwise
// their fingerprint; "": there are none.
func (d *Dir) checkSharedKeys(ctx context.Context) (fingerprint string, err error) {
	v, err := d.sealed.Read(ctx, sealedKeys)
	if err != nil || v.Data == nil {
		return "", err
	}
	set, err := d.unseal(v)
	if err != nil {
		return "", err
	}
	return signing.Shared(set, false).Fingerprint()
}

// openSharedKeys reads the keys in the database. The first node creates them.
func (d *Dir) openSharedKeys(ctx context.Context, how opening) error {
	v, err := d.sealed.Read(ctx, sealedKeys)
	if err != nil {
		return err
	}
	var set *signing.Set
	isNew := false
	if v.Data != nil {
		set, err = d.unseal(v)
	} else {
		set, isNew, err = d.createSharedKeys(ctx, how)
	}
	if err != nil {
		return err
	}
	d.Keys = signing.Shared(set, isNew)
	return nil
}

// createSharedKeys creates the keys, unless another node does at the same time.
func (d *Dir) createSharedKeys(ctx context.Context, how opening) (set *signing.Set, isNew bool, err error) {
	if all, err := d.Store.Tenants(ctx); err == nil && len(all) == 0 && !how.create && !how.newKeys {
		return nil, false, fmt.Errorf("%w in %s: start a node with `stile serve`", ErrNoData, d.Settings().Store)
	}
	if err := d.checkNewKeys(ctx, "the row 'keys' of the table sealed", how); err != nil {
		return nil, false, err
	}
	err = d.sealed.Update(ctx, sealedKeys, func(v nodetable.Value) (*nodetable.Value, error) {
		// A move may have begun after this node had joined. It looks for keys under the same lock.
		if err := moved.CheckIncoming(ctx, d.Store); err != nil {
			return nil, err
		}
		if isNew = v.Data == nil; !isNew {
			set, err = d.unseal(v)
			return nil, err
		}
		if set, err = signing.NewSet(d.Now()); err != nil {
			return nil, err
		}
		return d.seal(set)
	})
	return set, isNew, err
}

func (d *Dir) seal(set *signing.Set) (*nodetable.Value, error) {
	data, err := set.Seal(d.box)
	return &nodetable.Value{Data: data, Key: d.box.Fingerprint()}, err
}

func (d *Dir) unseal(v nodetable.Value) (*signing.Set, error) {
	set, err := signing.Unseal(d.box, v.Data, d.Now())
	if errors.Is(err, signing.ErrBox) {
		return nil, fmt.Errorf("the keys in PostgreSQL were encrypted with the key %.8s…, and the one in store_key_file is %.8s…: use the file of the other nodes, or its copy. "+
			"Without it, restore the database from a backup that has a known key", v.Key, d.box.Fingerprint())
	}
	return set, err
}

// readKeys reads the keys again.
func (d *Dir) readKeys(ctx context.Context) error {
	v, err := d.sealed.Read(ctx, sealedKeys)
	if err != nil {
		return err
	}
	if v.Data == nil {
		return errors.New("the keys in PostgreSQL are missing")
	}
	set, err := d.unseal(v)
	if err != nil {
		return err
	}
	d.Keys.Use(set)
	return nil
}

// rotateShared makes a new key sign on all nodes. It signs only once all nodes know it: otherwise
// they would refuse its tokens.
func (d *Dir) rotateShared(ctx context.Context, alg string) (k signing.KeyInfo, err error) {
	var kid string
	err = d.updateKeys(ctx, func(set *signing.Set) (*signing.Set, error) {
		next, info, err := set.Announce(alg, d.Now())
		kid = info.KID
		return next, err
	})
	if err != nil {
		return k, err
	}
	if err := d.awaitKeys(ctx); err != nil {
		return k, fmt.Errorf("the new key does not sign yet: not all nodes know it: %w. Run `stile key rotate` again once they do", err)
	}
	err = d.updateKeys(ctx, func(set *signing.Set) (*signing.Set, error) {
		next, info, ok := set.Promote(kid, d.Now(), MaxLifetime)
		if !ok {
			return nil, errors.New("another rotation came first; nothing else was changed")
		}
		k = info
		return next, nil
	})
	return k, err
}

// updateKeys changes the keys in the database by fn, and uses them.
func (d *Dir) updateKeys(ctx context.Context, fn func(*signing.Set) (*signing.Set, error)) error {
	err := d.sealed.Update(ctx, sealedKeys, func(v nodetable.Value) (*nodetable.Value, error) {
		if v.Data == nil {
			return nil, errors.New("the keys in PostgreSQL are missing")
		}
		set, err := d.unseal(v)
		if err != nil {
			return nil, err
		}
		if set, err = fn(set); err != nil {
			return nil, err
		}
		return d.seal(set)
	})
	if err != nil {
		return err
	}
	return d.readKeys(ctx)
}

// awaitKeys waits until all live nodes use the keys that the database has now.
func (d *Dir) awaitKeys(ctx context.Context) error {
	at, err := d.nodeTable.Counters(ctx)
	if err != nil {
		return err
	}
	return d.Nodes.AwaitKeys(ctx, at.Topics[nodes.KeysOf])
}

// Reencrypt encrypts everything in the database again that is not encrypted with the first key of
// store_key_file. It returns how many values that were, and the fingerprint of that key.
func (d *Dir) Reencrypt(ctx context.Context) (n int, key string, err error) {
	if d.Nodes == nil {
		return 0, "", ErrNotShared
	}
	key = d.box.Fingerprint()
	n, err = d.sealed.ReplaceAll(ctx, func(name string, v nodetable.Value) (*nodetable.Value, error) {
		if v.Key == key {
			return nil, nil
		}
		data, err := d.box.Open(name, v.Data)
		if err != nil {
			return nil, fmt.Errorf("%w: none of the keys in store_key_file is %.8s…", err, v.Key)
		}
		return &nodetable.Value{Data: d.box.Seal(name, data), Key: key}, nil
	})
	return n, key, err
}

// ErrNotShared says that something exists only if several nodes share a database.
var ErrNotShared = errors.New("the store is sqlite, so there is only this server: nodes share a store that is postgres://…")

// MaxSealed is the maximum size of a sealed value, in bytes.
const MaxSealed = 256 << 10

// SealedValue returns a value that all nodes share and that is encrypted in the database; nil if
// there is none.
func (d *Dir) SealedValue(ctx context.Context, name string) ([]byte, error) {
	v, err := d.sealed.Read(ctx, name)
	if err != nil || v.Data == nil {
		return nil, err
	}
	data, err := d.box.Open(name, v.Data)
	if err != nil {
		return nil, fmt.Errorf("%s in the table sealed %w: check that store_key_file has the key %.8s…", name, err, v.Key)
	}
	return data, nil
}

// PutSealed stores a value that all nodes share, encrypted.
func (d *Dir) PutSealed(ctx context.Context, name string, data []byte) error {
	if len(data) > MaxSealed {
		return fmt.Errorf("%s has %d bytes, more than %d", name, len(data), MaxSealed)
	}
	return d.sealed.Update(ctx, name, func(nodetable.Value) (*nodetable.Value, error) {
		return &nodetable.Value{Data: d.box.Seal(name, data), Key: d.box.Fingerprint()}, nil
	})
}

// RemoveSealed removes such a value.
func (d *Dir) RemoveSealed(ctx context.Context, name string) error { return d.sealed.Remove(ctx, name) }

// keysWithin is how long a rotation that was interrupted stays incomplete.
const keysWithin = time.Minute

// CompleteRotation makes a key sign that was announced a while ago, by a node that has died since.
func (d *Dir) CompleteRotation(ctx context.Context) error {
	set := d.Keys.Set()
	kid := set.Announced()
	if kid == "" || d.Now().Sub(d.createdAt(kid)) < keysWithin {
		return nil
	}
	if err := d.awaitKeys(ctx); err != nil {
		return err
	}
	return d.updateKeys(ctx, func(set *signing.Set) (*signing.Set, error) {
		next, _, _ := set.Promote(kid, d.Now(), MaxLifetime) // unchanged, if another did it
		return next, nil
	})
}

func (d *Dir) createdAt(kid string) time.Time {
	for _, k := range d.Keys.List() {
		if k.KID == kid {
			return k.CreatedAt
		}
	}
	return time.Time{}
}
