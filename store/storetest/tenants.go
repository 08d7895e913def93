package storetest

import (
	"errors"
	"reflect"
	"testing"

	"stile.example/stile/tenants"
)

func add(t *testing.T, s Store, clientID string) tenants.Tenant {
	t.Helper()
	got, err := s.AddTenant(t.Context(), tenants.Tenant{ClientID: clientID, Status: tenants.Active, CreatedAt: noon})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func list(t *testing.T, s Store) []tenants.Tenant {
	t.Helper()
	all, err := s.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func tenantFields(t *testing.T, open func() Store) {
	s := open()
	n := 0
	var want tenants.Tenant
	fill(t, reflect.ValueOf(&want).Elem(), &n)
	want.Number = 0
	got, err := s.AddTenant(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	if want.Number = got.Number; want.Number == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("added %+v\nwant  %+v", got, want)
	}
	closed(t, s)
	s = with(t, open)
	if all := list(t, s); len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Errorf("got  %+v\nwant %+v", all, want)
	}
	number, clientID := want.Number, want.ClientID
	got, err = s.UpdateTenant(t.Context(), clientID, func(t2 *tenants.Tenant) error {
		fill(t, reflect.ValueOf(t2).Elem(), &n)
		want = *t2
		want.Number, want.ClientID = number, clientID // these can't be changed
		return nil
	})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("updated %+v, %v\nwant    %+v", got, err, want)
	}
	if all := list(t, s); len(all) != 1 || !reflect.DeepEqual(all[0], want) {
		t.Errorf("updated, got %+v\nwant %+v", all, want)
	}
}

func tenantNames(t *testing.T, open func() Store) {
	s := with(t, open)
	add(t, s, "b")
	add(t, s, "a")
	if _, err := s.AddTenant(t.Context(), tenants.Tenant{ClientID: "a", CreatedAt: noon}); !errors.Is(err, tenants.ErrExists) {
		t.Errorf("a second tenant with the same name: %v", err)
	}
	if all := list(t, s); len(all) != 2 || all[0].ClientID != "a" || all[1].ClientID != "b" {
		t.Errorf("got %+v", all)
	}
	if err := s.RemoveTenant(t.Context(), "c"); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("remove an unknown tenant: %v", err)
	}
	_, err := s.UpdateTenant(t.Context(), "c", func(*tenants.Tenant) error { return nil })
	if !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("update an unknown tenant: %v", err)
	}
}

func tenantUpdate(t *testing.T, open func() Store) {
	s := with(t, open)
	add(t, s, "a")
	no := errors.New("no")
	_, err := s.UpdateTenant(t.Context(), "a", func(t *tenants.Tenant) error { t.Name = "x"; return no })
	if !errors.Is(err, no) {
		t.Errorf("err = %v", err)
	}
	Concurrently(8, func(int) {
		for range 5 {
			_, err := s.UpdateTenant(t.Context(), "a", func(t *tenants.Tenant) error { t.CallsPerMonth++; return nil })
			if err != nil {
				t.Error(err)
			}
		}
	})
	if all := list(t, s); len(all) != 1 || all[0].Name != "" || all[0].CallsPerMonth != 40 {
		t.Errorf("got %+v", all)
	}
}

func tenantNumbers(t *testing.T, open func() Store) {
	s := open()
	first := add(t, s, "a")
	second := add(t, s, "b")
	if err := s.RemoveTenant(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if all := list(t, s); len(all) != 1 {
		t.Errorf("got %+v", all)
	}
	closed(t, s)
	third := add(t, with(t, open), "b")
	if first.Number == 0 || second.Number == first.Number || third.Number == second.Number || third.Number == first.Number {
		t.Errorf("numbers %d, %d, %d", first.Number, second.Number, third.Number)
	}
}
