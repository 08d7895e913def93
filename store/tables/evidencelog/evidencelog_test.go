package evidencelog_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"stile.example/stile/evidence"
	"stile.example/stile/store/storetest/newdb"
	"stile.example/stile/store/tables/evidencelog"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, place string) (evidencelog.Table, func()) {
	t.Helper()
	db := newdb.OpenAt(t, place, func() time.Time { return noon })
	return evidencelog.Table{DB: db}, func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestKept checks that entries are added up, survive a restart, and are read back in every field.
func TestKept(t *testing.T) {
	place := newdb.Place(t)
	table, end := open(t, place)
	e := evidence.Entry{Tenant: 3, Day: evidence.DayOf(noon), Kind: evidence.Foreign, Key: "jti", Note: "note", Count: 2,
		First: noon, Last: noon.Add(time.Minute), Ref: "7QK2-M4TD", Few: evidence.Few{1, 5}, Many: make(evidence.Sketch, 1024)}
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the test does not set %s", v.Type().Field(i).Name)
		}
	}
	other := e
	other.Tenant = 4
	if err := table.AddEvidence(t.Context(), []evidence.Entry{e, other, e}); err != nil {
		t.Fatal(err)
	}
	end()
	table, end = open(t, place)
	defer end()
	list, err := table.Evidence(t.Context(), 3, e.Day)
	e.Count = 4
	if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], e) {
		t.Errorf("got %+v, %v\nwant %+v", list, err, e)
	}
	if list, err := table.Evidence(t.Context(), 3, e.Day+1); err != nil || len(list) != 0 {
		t.Errorf("from the day after: %v, %v", list, err)
	}
	if err := table.PruneEvidence(t.Context(), e.Day+1); err != nil {
		t.Fatal(err)
	}
	if list, err := table.Evidence(t.Context(), 4, 0); err != nil || len(list) != 0 {
		t.Errorf("after pruning: %v, %v", list, err)
	}
}

// TestKeysAreBounded checks that a tenant has a limited number of keys of a kind on a day, that
// what is beyond them is counted together, and that others have theirs.
func TestKeysAreBounded(t *testing.T) {
	table, end := open(t, newdb.Place(t))
	defer end()
	day := evidence.DayOf(noon)
	var some []evidence.Entry
	for i := range 500 {
		some = append(some, evidence.Entry{Tenant: 1, Day: day, Kind: evidence.Page, Key: fmt.Sprint("https://", i), Count: 1, First: noon, Last: noon})
	}
	some = append(some, evidence.Entry{Tenant: 2, Day: day, Kind: evidence.Page, Key: "x", Count: 1, First: noon, Last: noon})
	if err := table.AddEvidence(t.Context(), some); err != nil {
		t.Fatal(err)
	}
	list, err := table.Evidence(t.Context(), 1, 0)
	if err != nil || len(list) != evidence.MaxKeys(evidence.Page)+1 || list[0].Key != evidence.Others || list[0].Count != int64(500-evidence.MaxKeys(evidence.Page)) {
		t.Errorf("%d keys, the first %+v, %v", len(list), list[0], err)
	}
	if list, _ := table.Evidence(t.Context(), 2, 0); len(list) != 1 || list[0].Key != "x" {
		t.Errorf("another tenant: %+v", list)
	}
}

// TestTraffic checks the sums that tenants are compared by.
func TestTraffic(t *testing.T) {
	table, end := open(t, newdb.Place(t))
	defer end()
	day := evidence.DayOf(noon)
	entry := func(tenant uint32, day int64, k evidence.Kind, key string, n int64) evidence.Entry {
		return evidence.Entry{Tenant: tenant, Day: day, Kind: k, Key: key, Count: n, First: noon, Last: noon}
	}
	err := table.AddEvidence(t.Context(), []evidence.Entry{
		entry(1, day, evidence.Refused, "token_expired", 5), entry(1, day-1, evidence.Refused, "token_expired", 7),
		entry(1, day-7, evidence.Refused, "token_expired", 100), entry(1, day, evidence.Page, "x", 50), entry(2, day, evidence.Refused, "a b", 1), entry(2, day, evidence.Calls, "", 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := table.EvidenceTraffic(t.Context(), day-6)
	want := map[uint32]evidence.Traffic{1: {Refused: map[string]int64{"token_expired": 12}}, 2: {Calls: 9, Refused: map[string]int64{"a b": 1}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOnPostgres(t *testing.T) {
	newdb.OnPostgres(t, map[string]func(*testing.T){
		"Kept":           TestKept,
		"KeysAreBounded": TestKeysAreBounded,
		"Traffic":        TestTraffic,
	})
}
