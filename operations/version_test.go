package operations

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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
	for _, o := range All() {
		if _, changes := o.Changes(); changes && o.IsVersioned() {
			for _, version := range []string{"stale", AnyVersion} { // neither exists yet
				if _, err := run(o.Name, inputs[nounOf(o)], version); failure.KindOf(err) != failure.Stale {
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
			if _, err := run(o.Name, inputs[nounOf(o)], "stale"); failure.KindOf(err) != failure.Stale {
				t.Errorf("%s: %v", o.Name, err)
			}
		} else if changes {
			if _, err := run(o.Name, o.Example, "stale"); failure.KindOf(err) != failure.Invalid {
				t.Errorf("%s has no versions: %v", o.Name, err)
			}
		}
	}
	if now, err := find("tenant show").Version(t.Context(), d, json.RawMessage(inputs["tenant"])); err != nil || now != first {
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
