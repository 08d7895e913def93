// Package storetest is the contract of a store, as tests. The tests of every backend call [Run]. A
// backend that passes may be used by any other package.
package storetest

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/history"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/tokens/listing"
	"stile.example/stile/usage"
)

// Store is everything that a backend stores. The corpus is not part of it.
type Store interface {
	tokens.Store
	addresses.Store
	refusals.Store
	listing.Store
	history.Store
	tenants.Store
	usage.Store
	// Sweep moves the usage of tokens that expired long before now to the ledger, and removes the
	// tokens. It also removes the addresses whose states no longer matter.
	Sweep(ctx context.Context, now time.Time) error
	Close() error
}

// Run tests a backend. For each test it calls prepare, which provides an empty store and returns a
// function that opens it. That function also opens it again after it was closed.
func Run(t *testing.T, prepare func(t *testing.T) (open func() Store)) {
	run(t, "", prepare)
}

// RunStates runs the tests of [Run] that concern the states of tokens and addresses: for another
// engine of the states of a backend that passed Run.
func RunStates(t *testing.T, prepare func(t *testing.T) (open func() Store)) {
	for _, part := range []string{"tokens/", "addresses/", "usage/"} {
		run(t, part, prepare)
	}
}

// run runs the tests whose names begin with a text.
func run(t *testing.T, prefix string, prepare func(t *testing.T) (open func() Store)) {
	for name, test := range map[string]func(*testing.T, func() Store){
		"tokens/a new token is zero":             unseen,
		"tokens/Peek returns what Update stored": peeked,
		"tokens/every field is read back":        everyField,
		"tokens/what fn returns is stored":       identity,
		"tokens/all updates count":               allCount,
		"tokens/S2 never more than the limit":    limit,
		"tokens/S3 one of many first calls":      oneBinds,
		"tokens/a session proof is valid once":   sessionProofs,
		"tokens/a cancelled context":             cancelled,
		"tokens/listed by each filter":           tokensListed,
		"tokens/pages neither skip nor repeat":   tokensPaged,
		"addresses/a new address is zero":        addressUnseen,
		"addresses/every field is read back":     addressFields,
		"addresses/a zero state is removed":      addressZero,
		"addresses/all updates count":            addressesCount,
		"addresses/a cancelled context":          addressCancelled,
		"addresses/clean addresses are swept":    addressSwept,
		"addresses/the list":                     addressList,
		"refusals/every field is read back":      refusalFields,
		"refusals/a reference is never replaced": refusalsKept,
		"refusals/the first of a token":          refusalsFirst,
		"refusals/a count only grows":            refusalsCounted,
		"refusals/S58 bounded when added":        refusalsBounded,
		"refusals/pruned by age and number":      refusalsPruned,
		"refusals/listed by each filter":         refusalsListed,
		"refusals/pages neither skip nor repeat": refusalsPaged,
		"history/counts are added":               historyAdded,
		"history/pruned by step and age":         historyPruned,
		"tenants/every field is read back":       tenantFields,
		"tenants/names are unique":               tenantNames,
		"tenants/update is all or nothing":       tenantUpdate,
		"tenants/numbers are never reused":       tenantNumbers,
		"usage/every call, immediately":          usageAtOnce,
		"usage/exact while calls are made":       usageConcurrent,
		"usage/bounds":                           usageBounds,
		"usage/a sweep changes nothing":          usageSwept,
		"usage/a removed tenant's usage stays":   usageOfRemoved,
		"usage/R7 a sweep that is a day early":   usageClock,
	} {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, prepare(t)) })
	}
}

// removesByClock reports whether states expire by the clock of an engine, whatever the time that
// Sweep gets.
func removesByClock(s Store) bool {
	c, ok := s.(interface{ RemovesByClock() bool })
	return ok && c.RemovesByClock()
}

// with opens the store until the test ends.
func with(t *testing.T, open func() Store) Store {
	t.Helper()
	s := open()
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t *testing.T, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// fill sets every field of v, at any depth, to a value of its own. So a new field that a backend
// does not store fails here and not in production.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(*n), 0).UTC()))
		return
	case tokens.BindingKind, tokens.Reason:
		v.SetUint(1)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		}
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(t, value, n)
		v.SetMapIndex(reflect.ValueOf("a.key"), value)
	case reflect.String:
		v.SetString("text " + strings.Repeat("x", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.Int32, reflect.Int64:
		v.SetInt(-int64(*n))
	default:
		t.Fatalf("the test can't fill a %s", v.Type())
	}
}
