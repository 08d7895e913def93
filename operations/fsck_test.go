package operations

import (
	"context"
	"errors"
	"testing"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/check"
	"stile.example/stile/operations/failure"
)

// inTheMiddle runs fn when the first line is written to it.
type inTheMiddle struct{ fn func() }

func (w *inTheMiddle) Write(b []byte) (int, error) {
	if fn := w.fn; fn != nil {
		w.fn = nil
		fn()
	}
	return len(b), nil
}

// TestOneCheckAtATime checks that a second check is refused while one runs, and not afterwards.
func TestOneCheckAtATime(t *testing.T) {
	d := openDir(t)
	check := func(out *inTheMiddle) error {
		_, err := check.Files(context.Background(), d, check.None{}, out)
		return err
	}
	second := errors.New("it did not run")
	if err := check(&inTheMiddle{func() { second = check(&inTheMiddle{}) }}); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, datadir.ErrInspecting) || failure.KindOf(second) != failure.Conflict {
		t.Errorf("the second: %v", second)
	}
	if err := check(&inTheMiddle{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestLostCalls checks that calls which only the server has counted are found.
func TestLostCalls(t *testing.T) {
	d := openDir(t)
	tenant, err := RunAs[TenantChange, Credentials](t.Context(), d, Actor{Role: Owner}, "tenant add", TenantChange{ClientID: "acme"})
	if err != nil {
		t.Fatal(tenant, err)
	}
	number, _ := d.TenantNumber("acme")
	d.Meter.Reserve(number, 0, d.Now())
	d.Meter.Use(number, d.Now())
	r, err := check.Files(t.Context(), d, check.None{}, nil)
	if err != nil || len(r.Findings) != 1 || r.Findings[0].Check != "quota" || r.Findings[0].Examples[0] != "acme: 1 calls this month, and 0 in the database" {
		t.Errorf("%+v, %v", r, err)
	}
}
