// Package storetest says what a store must do. Every backend's test calls
// [Run]; a backend that passes may be used by any other package.
package storetest

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/refusals"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// Store is all that a backend keeps, but the corpus.
type Store interface {
	tokens.Store
	addresses.Store
	refusals.Store
	tenants.Store
	usage.Store
	// Sweep moves what tokens used that expired long before now to the
	// ledger, and forgets the tokens, and the addresses that have been clean
	// for so long that nothing of them matters any more.
	Sweep(ctx context.Context, now time.Time) error
	Close() error
}

// Run tests a backend. It calls place for each test: an empty place for a
// store. What place returns opens the store there, and opens it again once it
// was closed.
func Run(t *testing.T, place func(t *testing.T) (open func() Store)) {
	for name, test := range map[string]func(*testing.T, func() Store){
		"tokens/unseen is zero":                 unseen,
		"tokens/a peek is what an update left":  peeked,
		"tokens/every field comes back":         everyField,
		"tokens/what fn returns is kept":        identity,
		"tokens/all updates count":              allCount,
		"tokens/S2 never more than the limit":   limit,
		"tokens/S3 one of many first calls":     oneBinds,
		"tokens/a context that ended":           cancelled,
		"addresses/unseen is zero":              addressUnseen,
		"addresses/every field comes back":      addressFields,
		"addresses/zero is forgotten":           addressForgotten,
		"addresses/all updates count":           addressesCount,
		"addresses/a context that ended":        addressCancelled,
		"addresses/what is clean is swept":      addressSwept,
		"addresses/the list":                    addressList,
		"refusals/every field comes back":       refusalFields,
		"refusals/a reference stands":           refusalStands,
		"refusals/a count grows":                refusalsCounted,
		"refusals/S58 bounded when added":       refusalsBounded,
		"refusals/pruned by age and number":     refusalsPruned,
		"tenants/every field comes back":        tenantFields,
		"tenants/one of a name":                 tenantNames,
		"tenants/update is all or nothing":      tenantUpdate,
		"tenants/numbers are never used again":  tenantNumbers,
		"usage/every call, at once":             usageAtOnce,
		"usage/bounds":                          usageBounds,
		"usage/a sweep changes nothing":         usageSwept,
		"usage/a removed tenant's usage stays":  usageOfRemoved,
		"usage/R7 what is swept is swept later": usageClock,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
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

// fill sets every field of v, however deep, to something of its own, so that
// a field that is added and forgotten in a backend fails here and not in
// production.
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
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}
