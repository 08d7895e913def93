package tenants_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"stile.example/stile/tenants"
)

// TestS11_Secrets checks that secrets have 256 random bits, and are stored as a hash with the
// server's key.
func TestS11_Secrets(t *testing.T) {
	plain, s := tenants.NewSecret(key)
	if !regexp.MustCompile(`^stile_[A-Za-z0-9_-]{43}$`).MatchString(plain) {
		t.Errorf("a secret of another form: %d bytes", len(plain))
	}
	if other, o := tenants.NewSecret(key); other == plain || o.Hash == s.Hash {
		t.Error("the same secret twice")
	}
	if bytes.Contains(s.Hash[:], []byte(plain[:8])) || !s.Until.IsZero() {
		t.Errorf("kept: %+v", s)
	}
	foreign, err := tenants.Open(ctx, &memStore{list: []tenants.Tenant{{ClientID: "acme", Status: tenants.Active, Secrets: []tenants.Secret{s}}}}, []byte("another key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := foreign.Authenticate("acme", plain, noon); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("under another server's key: %v", err)
	}
}

func TestAuthenticate(t *testing.T) {
	d := open(t, &memStore{})
	plain, s := tenants.NewSecret(key)
	if _, err := d.Add(ctx, tenants.Tenant{ClientID: "acme", Secrets: []tenants.Secret{s}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Add(ctx, tenants.Tenant{ClientID: "bare"}); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Authenticate("acme", plain, noon); err != nil || got.ClientID != "acme" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range [][2]string{
		{"acme", ""}, {"acme", plain + "x"}, {"acme", plain[:len(plain)-1]}, {"bare", plain}, {"bare", ""}, {"", ""}, {"other", plain},
	} {
		if got, err := d.Authenticate(bad[0], bad[1], noon); !errors.Is(err, tenants.ErrCredentials) || got != nil {
			t.Errorf("%.20q: %+v, %v", bad[0], got, err)
		}
	}
	if _, err := d.Update(ctx, "acme", func(t *tenants.Tenant) error { t.Status = tenants.Suspended; t.Keys = "{}"; return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Authenticate("acme", plain, noon); !errors.Is(err, tenants.ErrSuspended) || got != nil {
		t.Errorf("suspended: %+v, %v", got, err)
	}
	if _, err := d.Authenticate("acme", "wrong", noon); !errors.Is(err, tenants.ErrCredentials) {
		t.Errorf("suspended, and a wrong secret: %v", err)
	}
	if d.AssertionKeys("acme") != "" || d.AssertionKeys("nobody") != "" {
		t.Error("a suspended or unknown client has keys")
	}
}

// TestRotateSecret checks that the old secret is valid until the end of the overlap, to the second,
// and invalid immediately without one.
func TestRotateSecret(t *testing.T) {
	d := open(t, &memStore{})
	first, s := tenants.NewSecret(key)
	if _, err := d.Add(ctx, tenants.Tenant{ClientID: "acme", Secrets: []tenants.Secret{s}}); err != nil {
		t.Fatal(err)
	}
	rotate := func(at time.Time, overlap time.Duration) string {
		t.Helper()
		plain, err := d.RotateSecret(ctx, "acme", at, overlap)
		if err != nil {
			t.Fatal(err)
		}
		return plain
	}
	good := func(plain string, at time.Time) bool {
		_, err := d.Authenticate("acme", plain, at)
		return err == nil
	}
	second := rotate(noon, 24*time.Hour)
	if end := noon.Add(24 * time.Hour); !good(first, noon) || !good(first, end.Add(-1)) || good(first, end) || !good(second, end.AddDate(9, 0, 0)) {
		t.Error("the overlap is not 24 h")
	}
	third := rotate(noon, 48*time.Hour)
	if good(first, noon.Add(25*time.Hour)) || !good(second, noon.Add(47*time.Hour)) || !good(third, noon) {
		t.Error("a second overlap made the first one longer, or its own is not 48 h")
	}
	fourth := rotate(noon.Add(time.Hour), 0)
	if at := noon.Add(time.Hour); good(first, at) || good(second, at) || good(third, at) || !good(fourth, at) {
		t.Error("an old secret outlived a rotation without overlap")
	}
	for range 20 {
		rotate(noon.Add(time.Hour), time.Hour)
	}
	if found, _ := d.Find("acme"); len(found.Secrets) != 4 {
		t.Errorf("%d secrets kept", len(found.Secrets))
	}
	if _, err := d.RotateSecret(ctx, "nobody", noon, 0); !errors.Is(err, tenants.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
}

// BenchmarkS12_Authenticate shows that known clients, unknown ones and ones with four secrets take
// the same time.
func BenchmarkS12_Authenticate(b *testing.B) {
	full := tenants.Tenant{ClientID: "full", Status: tenants.Active}
	for range 4 {
		_, s := tenants.NewSecret(key)
		full.Secrets = append(full.Secrets, s)
	}
	d, err := tenants.Open(ctx, &memStore{list: []tenants.Tenant{{ClientID: "bare", Status: tenants.Active}, full}}, key)
	if err != nil {
		b.Fatal(err)
	}
	for _, id := range []string{"full", "bare", "nobody"} {
		b.Run(id, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				if _, err := d.Authenticate(id, fmt.Sprint("guess ", i%10), noon); err == nil {
					b.Fatal("a guess was right")
				}
			}
		})
	}
}
