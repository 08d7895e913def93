package operations

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"log/slog"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/settings"
)

// openDir opens a new data directory.
func openDir(t *testing.T) *datadir.Dir { return openDirWith(t, nil) }

// openDirWith opens a new data directory with settings.
func openDirWith(t *testing.T, flags map[string]string) *datadir.Dir {
	t.Helper()
	all := map[string]string{"data": t.TempDir()}
	maps.Copy(all, flags)
	s, err := settings.Load(settings.Source{Flags: all})
	if err != nil {
		t.Fatal(err)
	}
	d, err := datadir.Open(t.Context(), s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.UseOrigin("https://api.example"); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRoles checks that each operation refuses every role below its own, and an actor without one.
func TestRoles(t *testing.T) {
	d := openDir(t)
	for _, o := range All() {
		for _, r := range []Role{"", "root", Viewer, Operator, Owner} {
			if r.Includes(o.Role) {
				continue
			}
			_, err := o.Run(t.Context(), d, Call{Actor: Actor{Name: "eve", Role: r}, Input: json.RawMessage(o.Example)})
			if failure.KindOf(err) != failure.Forbidden {
				t.Errorf("%s by role %q: %v", o.Name, r, err)
			}
		}
	}
	if v, err := d.Audit.Verify(t.Context(), ""); err != nil || v.Entries != 0 {
		t.Errorf("refused operations are in the audit log: %+v %v", v, err)
	}
}

// TestRecorded checks what the audit log says about a change, and that it has no secret.
func TestRecorded(t *testing.T) {
	d := openDir(t)
	by := Actor{Name: "alice", Role: Operator, Credential: "password", Address: "192.0.2.1"}
	made, err := RunAs[TenantChange, Credentials](t.Context(), d, by, "tenant add", TenantChange{ClientID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	calls := int64(100)
	if _, err := RunAs[TenantChange, TenantInfo](t.Context(), d, by, "tenant set", TenantChange{ClientID: "acme", CallsPerMonth: &calls}); err != nil {
		t.Fatal(err)
	}
	rotated, err := RunAs[SecretRotation, Credentials](t.Context(), d, by, "tenant rotate-secret", SecretRotation{ClientID: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	page, err := RunAs[AuditQuery, AuditPage](t.Context(), d, by, "audit list", AuditQuery{})
	if err != nil || len(page.Entries) != 3 {
		t.Fatalf("%+v %v", page, err)
	}
	e := page.Entries[1]
	if e.Actor != "alice" || e.Role != "operator" || e.Credential != "password" || e.Address != "192.0.2.1" || e.Operation != "tenant set" || e.Subject != "acme" ||
		!strings.Contains(string(e.Before), `"calls_per_month":0`) || !strings.Contains(string(e.After), `"calls_per_month":100`) {
		t.Errorf("%+v", e)
	}
	text, _ := json.Marshal(page)
	for _, secret := range []string{made.Secret, rotated.Secret} {
		if strings.Contains(string(text), secret) {
			t.Error("the audit log contains a secret")
		}
	}
	if v, err := d.Audit.Verify(t.Context(), ""); err != nil || v.Entries != 3 || v.Wrong != 0 {
		t.Errorf("%+v %v", v, err)
	}
}

// TestRangeState checks that the audit log has the entry of a range, however the range was typed.
func TestRangeState(t *testing.T) {
	d := openDir(t)
	by := Actor{Name: "alice", Role: Operator}
	for _, typed := range []string{"198.51.100.7", "::ffff:198.51.100.8", "2001:db8::7", "2001:db8:7::7/128", "203.0.113.9/24"} {
		if _, err := RunAs[RangeBlock, AddressInfo](t.Context(), d, by, "address block", RangeBlock{Range: typed}); err != nil {
			t.Fatal(err)
		}
		page, err := RunAs[AuditQuery, AuditPage](t.Context(), d, by, "audit list", AuditQuery{Subject: typed})
		if err != nil || len(page.Entries) != 1 || !strings.Contains(string(page.Entries[0].After), `"kind":"block"`) {
			t.Errorf("%s: %+v %v", typed, page, err)
		}
	}
}
