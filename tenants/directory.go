package tenants

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Store stores tenants durably. Implementations must pass storetest.Run.
type Store interface {
	// Tenants returns all tenants.
	Tenants(ctx context.Context) ([]Tenant, error)
	// AddTenant adds t and returns it with its Number, which no tenant had before. If its ClientID
	// exists already, the error is ErrExists.
	AddTenant(ctx context.Context, t Tenant) (Tenant, error)
	// UpdateTenant replaces a tenant by the result of fn, in one transaction, unless fn returns an
	// error. If there is no such tenant, the error is ErrNotFound.
	UpdateTenant(ctx context.Context, clientID string, fn func(*Tenant) error) (Tenant, error)
	// RemoveTenant removes a tenant and its items; its usage stays. If there is no such tenant, the
	// error is ErrNotFound.
	RemoveTenant(ctx context.Context, clientID string) error
}

// Directory holds all tenants in memory, over a [Store]. Its methods are safe for concurrent use.
// The tenants that it returns are shared: only [Directory.Update] may change them.
type Directory struct {
	store Store
	key   []byte     // of the hash of secrets
	mu    sync.Mutex // guards changes
	now   atomic.Pointer[snapshot]

	nobody Tenant // stands in for unknown clients
}

// snapshot is the tenants at one time. It never changes.
type snapshot struct {
	byID     map[string]*Tenant
	byNumber map[uint32]*Tenant
}

// Open reads all tenants. secretKey is the key of the hash of secrets.
func Open(ctx context.Context, store Store, secretKey []byte) (*Directory, error) {
	list, err := store.Tenants(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	d := &Directory{store: store, key: secretKey}
	d.publish(byClientID(list))
	return d, nil
}

// Reload reads all tenants again: another node may have changed them.
func (d *Directory) Reload(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	list, err := d.store.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("read tenants: %w", err)
	}
	d.publish(byClientID(list))
	return nil
}

func byClientID(list []Tenant) map[string]*Tenant {
	byID := make(map[string]*Tenant, len(list))
	for i := range list {
		byID[list[i].ClientID] = &list[i]
	}
	return byID
}

func (d *Directory) publish(byID map[string]*Tenant) {
	s := &snapshot{byID: byID, byNumber: make(map[uint32]*Tenant, len(byID))}
	for _, t := range byID {
		s.byNumber[t.Number] = t
	}
	d.now.Store(s)
}

// Find returns the tenant with that client_id.
func (d *Directory) Find(clientID string) (*Tenant, bool) {
	t, ok := d.now.Load().byID[clientID]
	return t, ok
}

// ByNumber returns the tenant with that number.
func (d *Directory) ByNumber(n uint32) (*Tenant, bool) {
	t, ok := d.now.Load().byNumber[n]
	return t, ok
}

// List returns all tenants, sorted by client_id.
func (d *Directory) List() []*Tenant {
	byID := func(a, b *Tenant) int { return strings.Compare(a.ClientID, b.ClientID) }
	return slices.SortedFunc(maps.Values(d.now.Load().byID), byID)
}

// Add adds a tenant, checked and normalised by [Tenant.Check].
func (d *Directory) Add(ctx context.Context, t Tenant) (Tenant, error) {
	if err := t.Check(); err != nil {
		return Tenant{}, fmt.Errorf("add tenant: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.store.AddTenant(ctx, t)
	if err != nil {
		return Tenant{}, fmt.Errorf("add tenant: %w", err)
	}
	d.put(t)
	return t, nil
}

// Update changes a tenant with fn, then checks and normalises it. fn may be called more than once,
// and must change only its argument. The client_id and the number stay the same.
func (d *Directory) Update(ctx context.Context, clientID string, fn func(*Tenant) error) (Tenant, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.store.UpdateTenant(ctx, clientID, func(t *Tenant) error {
		number := t.Number
		if err := fn(t); err != nil {
			return err
		}
		t.ClientID, t.Number = clientID, number
		return t.Check()
	})
	if err != nil {
		return Tenant{}, err // the store says what failed
	}
	d.put(t)
	return t, nil
}

// put adds a tenant that the store has. The caller holds d.mu.
func (d *Directory) put(t Tenant) {
	byID := maps.Clone(d.now.Load().byID)
	byID[t.ClientID] = &t
	d.publish(byID)
}

// Remove removes a tenant and its items. Its usage stays.
func (d *Directory) Remove(ctx context.Context, clientID string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.store.RemoveTenant(ctx, clientID); err != nil {
		return fmt.Errorf("remove tenant: %w", err)
	}
	byID := maps.Clone(d.now.Load().byID)
	delete(byID, clientID)
	d.publish(byID)
	return nil
}

// RotateSecret gives a tenant a new secret and returns it. The secret can't be read again later.
// The tenant's other secrets stay valid for overlap.
func (d *Directory) RotateSecret(ctx context.Context, clientID string, now time.Time, overlap time.Duration) (string, error) {
	plain, fresh := NewSecret(d.key)
	_, err := d.Update(ctx, clientID, func(t *Tenant) error {
		t.Rotate(fresh, now, overlap)
		return nil
	})
	if err != nil {
		return "", err
	}
	return plain, nil
}
