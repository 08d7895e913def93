package tenants_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"stile.example/stile/tenants"
)

var (
	ctx  = context.Background()
	key  = []byte("a key for tests, of 32 bytes ....")
	noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// memStore is a Store in memory that can be made to fail. storetest says what a real one must do.
type memStore struct {
	list []tenants.Tenant
	last uint32
	err  error
}

func (s *memStore) Tenants(context.Context) ([]tenants.Tenant, error) {
	return slices.Clone(s.list), s.err
}

func (s *memStore) AddTenant(_ context.Context, t tenants.Tenant) (tenants.Tenant, error) {
	if s.find(t.ClientID) >= 0 {
		return t, tenants.ErrExists
	}
	if s.err == nil {
		s.last++
		t.Number = s.last
		s.list = append(s.list, t)
	}
	return t, s.err
}

func (s *memStore) UpdateTenant(_ context.Context, id string, fn func(*tenants.Tenant) error) (tenants.Tenant, error) {
	i := s.find(id)
	if i < 0 {
		return tenants.Tenant{}, tenants.ErrNotFound
	}
	t := s.list[i]
	t.Secrets, t.Sites = slices.Clone(t.Secrets), slices.Clone(t.Sites)
	if err := errors.Join(fn(&t), s.err); err != nil {
		return tenants.Tenant{}, err
	}
	s.list[i] = t
	return t, nil
}

func (s *memStore) RemoveTenant(_ context.Context, id string) error {
	i := s.find(id)
	if i < 0 {
		return tenants.ErrNotFound
	}
	if s.err == nil {
		s.list = slices.Delete(s.list, i, i+1)
	}
	return s.err
}

func (s *memStore) find(id string) int {
	return slices.IndexFunc(s.list, func(t tenants.Tenant) bool { return t.ClientID == id })
}

func open(t *testing.T, s *memStore) *tenants.Directory {
	t.Helper()
	d, err := tenants.Open(ctx, s, key)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirectory(t *testing.T) {
	s := &memStore{}
	d := open(t, s)
	for _, id := range []string{"beta", "acme"} {
		if _, err := d.Add(ctx, tenants.Tenant{ClientID: id, Name: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Add(ctx, tenants.Tenant{ClientID: "acme"}); !errors.Is(err, tenants.ErrExists) {
		t.Errorf("added twice: %v", err)
	}
	if list := d.List(); len(list) != 2 || list[0].ClientID != "acme" || list[1].Number != 1 {
		t.Errorf("List() = %+v", list)
	}
	before, _ := d.Find("acme")
	after, err := d.Update(ctx, "acme", func(t *tenants.Tenant) error {
		t.Name, t.Sites, t.ClientID, t.Number = "Acme", []string{"HTTPS://Acme.Example:443/"}, "other", 77
		return nil
	})
	if err != nil || after.Name != "Acme" || after.ClientID != "acme" || after.Number != 2 || after.Sites[0] != "https://acme.example" {
		t.Errorf("Update = %+v, %v", after, err)
	}
	if found, _ := d.Find("acme"); found.Name != "Acme" || before.Name != "acme" {
		t.Errorf("found %+v, and who held it before sees %+v", found, before)
	}
	if found, ok := d.ByNumber(2); !ok || found.ClientID != "acme" {
		t.Errorf("ByNumber(2) = %+v", found)
	}
	if again := open(t, s); len(again.List()) != 2 {
		t.Error("not in the store")
	}
	if err := d.Remove(ctx, "acme"); err != nil {
		t.Error(err)
	}
	if _, ok := d.Find("acme"); ok {
		t.Error("found after its end")
	}
	if _, ok := d.ByNumber(2); ok {
		t.Error("found by number after its end")
	}
	if err := d.Remove(ctx, "acme"); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := d.Update(ctx, "acme", func(*tenants.Tenant) error { return nil }); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("updated after its end: %v", err)
	}
}

// TestStoreFirst checks that a tenant is returned only once the store has it.
func TestStoreFirst(t *testing.T) {
	s := &memStore{}
	d := open(t, s)
	if _, err := d.Add(ctx, tenants.Tenant{ClientID: "acme"}); err != nil {
		t.Fatal(err)
	}
	s.err = errors.New("disk is full")
	rename := func(t *tenants.Tenant) error { t.Name = "new"; return nil }
	_, err1 := d.Add(ctx, tenants.Tenant{ClientID: "beta"})
	_, err2 := d.Update(ctx, "acme", rename)
	_, err3 := d.RotateSecret(ctx, "acme", noon, 0)
	for _, err := range []error{err1, err2, err3, d.Remove(ctx, "acme")} {
		if !errors.Is(err, s.err) {
			t.Errorf("got %v", err)
		}
	}
	if list := d.List(); len(list) != 1 || list[0].Name != "" || list[0].Secrets != nil {
		t.Errorf("shown: %+v", list)
	}
	if _, err := tenants.Open(ctx, s, key); !errors.Is(err, s.err) {
		t.Errorf("Open: %v", err)
	}
	s.err = nil
	if _, err := d.Update(ctx, "acme", func(*tenants.Tenant) error { return tenants.ErrExists }); !errors.Is(err, tenants.ErrExists) {
		t.Errorf("fn's own error: %v", err)
	}
	if _, err := d.Update(ctx, "acme", func(t *tenants.Tenant) error { t.CallsPerMonth = -1; return nil }); err == nil {
		t.Error("a bad tenant was stored")
	}
}

// TestTogether reads and changes tenants simultaneously: no change is lost.
func TestTogether(t *testing.T) {
	d := open(t, &memStore{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprint("t", i)
			if _, err := d.Add(ctx, tenants.Tenant{ClientID: id}); err != nil {
				t.Error(err)
			}
			for range 50 {
				_, err := d.Update(ctx, "t0", func(t *tenants.Tenant) error { t.CallsPerMonth++; return nil })
				if err != nil && !errors.Is(err, tenants.ErrNotFound) {
					t.Error(err)
				}
				d.List()
				if _, err := d.Authenticate(id, "wrong", noon); !errors.Is(err, tenants.ErrCredentials) {
					t.Error(err)
				}
			}
			if err := d.Remove(ctx, id); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(d.List()) != 0 {
		t.Errorf("%d tenants", len(d.List()))
	}
}
