package valkey

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"stile.example/stile/store/states"
)

// The owner is in one slot of a Cluster: a master that loses its memory is noticed by the epochs.
const ownerSlot = 0

var _ states.Owned = (*Engine)(nil)

// Owner implements [states.Owned].
func (e *Engine) Owner(ctx context.Context) (o states.Owner, err error) {
	return e.ownerOf(e.doMulti(ctx, rueidis.Commands{e.client.B().Get().Key(e.names.owner()).Build()})[0])
}

// OwnerAt returns the owner of an engine. It changes nothing there.
func OwnerAt(ctx context.Context, o Options) (owner states.Owner, err error) {
	e, err := Open(ctx, o)
	if err != nil {
		return owner, err
	}
	defer e.Close()
	return e.Owner(ctx)
}

// SetOwner implements [states.Owned].
func (e *Engine) SetOwner(ctx context.Context, o states.Owner) (states.Owner, error) {
	present, err := e.ownerOf(e.doMulti(ctx, rueidis.Commands{e.client.B().Arbitrary("SET").Keys(e.names.owner()).
		Args(o.Installation+" "+o.Memory, "NX", "GET").Build()})[0])
	if err == nil && present == (states.Owner{}) {
		present = o
	}
	return present, err
}

func (e *Engine) ownerOf(r rueidis.RedisResult) (o states.Owner, err error) {
	b, err := optional(r)
	if err != nil {
		return o, fmt.Errorf("valkey: owner of the states: %w", e.failed(err, false))
	}
	if b == nil {
		return o, nil
	}
	var ok bool
	if o.Installation, o.Memory, ok = strings.Cut(string(b), " "); !ok || o.Installation == "" || o.Memory == "" {
		return o, fmt.Errorf("valkey: the key %s is damaged, or belongs to another program", e.names.owner())
	}
	return o, nil
}

// Clear implements [states.Owned].
func (e *Engine) Clear(ctx context.Context) error {
	for _, kind := range []byte{states.KindToken, states.KindAddress, states.KindQuota} {
		var names []string
		remove := func() error {
			commands := make(rueidis.Commands, 0, len(names))
			for _, name := range names {
				commands = append(commands, e.client.B().Unlink().Key(name).Build())
			}
			names = names[:0]
			for _, r := range e.doMulti(ctx, commands) {
				if err := r.Error(); err != nil {
					return e.failed(err, false)
				}
			}
			return nil
		}
		err := e.Each(ctx, kind, func(k states.Key, _ []byte) error {
			name, _ := e.names.value(k)
			if names = append(names, name); len(names) < getBatch {
				return nil
			}
			return remove()
		})
		if err == nil && len(names) > 0 {
			err = remove()
		}
		if err != nil {
			return fmt.Errorf("valkey: remove old states: %w", err)
		}
	}
	return nil
}
