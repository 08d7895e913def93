package operations

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
)

// TestVersions checks that a change by somebody who has seen an older version is refused, for every
// operation that has versions, and that of many simultaneous changes of one version one is made.
func TestVersions(t *testing.T) {
	d := openDir(t)
	find := func(name string) Operation {
		o, ok := Find(name)
		if !ok {
			t.Fatal(name)
		}
		return o
	}
	run := func(name, in string, versions ...string) (string, error) {
		var version string
		_, err := find(name).Run(t.Context(), d, Call{Actor: byOwner, Input: json.RawMessage(in), IfVersion: versions, Version: &version})
		return version, err
	}
	inputs := map[string]string{"tenant": `{"client_id":"acme"}`, "address": `{"range":"192.0.2.1"}`}
	input := func(o Operation) string { return cmp.Or(inputs[nounOf(o)], o.Example) }
	// these have a version before the first change
	always := []string{"content", "token", "statement", "key", "issuer"}
	for _, o := range All() {
		if _, changes := o.Changes(); changes && o.IsVersioned() && !slices.Contains(always, nounOf(o)) {
			for _, version := range []string{"stale", AnyVersion} { // neither exists yet
				if _, err := run(o.Name, input(o), version); failure.KindOf(err) != failure.Stale {
					t.Errorf("%s of what does not exist: %v", o.Name, err)
				}
			}
		}
	}
	first, err := run("tenant add", inputs["tenant"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run("address allow", inputs["address"]); err != nil {
		t.Fatal(err)
	}
	for _, o := range All() {
		if _, changes := o.Changes(); changes && o.IsVersioned() {
			if _, err := run(o.Name, input(o), "stale"); failure.KindOf(err) != failure.Stale {
				t.Errorf("%s: %v", o.Name, err)
			}
		} else if changes {
			if _, err := run(o.Name, o.Example, "stale"); failure.KindOf(err) != failure.Invalid {
				t.Errorf("%s has no versions: %v", o.Name, err)
			}
		}
	}
	if now, err := find("tenant show").Version(t.Context(), d, Call{Input: json.RawMessage(inputs["tenant"])}); err != nil || now != first {
		t.Errorf("version %q, want %q: %v", now, first, err)
	}
	rotated, err := run("tenant rotate-secret", inputs["tenant"], "other", first)
	if err != nil || rotated == first {
		t.Errorf("a new secret leaves the version: %v", err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			_, err := run("tenant set", fmt.Sprintf(`{"client_id":"acme","calls_per_month":%d}`, 1+i), rotated)
			if err == nil {
				made.Add(1)
			} else if failure.KindOf(err) != failure.Stale {
				t.Error(err)
			}
		})
	}
	if all.Wait(); made.Load() != 1 {
		t.Errorf("%d changes of one version were made", made.Load())
	}
}

// TestOneAtATime checks that no other change comes between the check of a version and the change,
// however long that takes.
func TestOneAtATime(t *testing.T) {
	d := openDir(t)
	var n atomic.Int32
	o := changes(plain("thing set", Operator, "", `{}`, func(context.Context, *datadir.Dir, None) (None, error) {
		before := n.Load()
		time.Sleep(time.Millisecond)
		n.Store(before + 1)
		return None{}, nil
	}), "changed a thing", func(None) string { return "thing" }, nil).
		versioned(func(context.Context, *datadir.Dir, Call) (any, error) { return n.Load(), nil })
	first, err := o.Version(t.Context(), d, Call{})
	if err != nil {
		t.Fatal(err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := o.Run(t.Context(), d, Call{Actor: byOwner, Input: json.RawMessage(`{}`), IfVersion: []string{first}}); err == nil {
				made.Add(1)
			}
		})
	}
	if all.Wait(); made.Load() != 1 || n.Load() != 1 {
		t.Errorf("%d changes of one version were made, and %d are left", made.Load(), n.Load())
	}
}
