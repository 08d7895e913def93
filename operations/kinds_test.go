package operations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"

	"stile.example/stile/content"
	"stile.example/stile/operations/failure"
)

var byOwner = Actor{Name: "olga", Role: Owner}

// itemsOf yields items, then an error unless it is nil.
func itemsOf(last error, ids ...string) iter.Seq2[content.Item, error] {
	return func(yield func(content.Item, error) bool) {
		for _, id := range ids {
			if !yield(content.Item{ID: id, Title: id, Collection: "letters"}, nil) {
				return
			}
		}
		if last != nil {
			yield(content.Item{}, last)
		}
	}
}

// TestKinds calls every operation with inputs that it can't accept, and checks the kind of the
// error: none is a fault.
func TestKinds(t *testing.T) {
	d := openDir(t)
	run := func(name, in string, items iter.Seq2[content.Item, error]) error {
		o, ok := Find(name)
		if !ok {
			t.Fatal(name)
		}
		_, err := o.Run(t.Context(), d, Call{Actor: byOwner, Input: json.RawMessage(in), Items: items, Out: new(bytes.Buffer)})
		return err
	}
	must := func(name, in string, items iter.Seq2[content.Item, error]) {
		t.Helper()
		if err := run(name, in, items); err != nil {
			t.Fatalf("%s %s: %v", name, in, err)
		}
	}
	must("tenant add", `{"client_id":"acme","sites":["https://acme.example"]}`, nil)
	must("tenant add", `{"client_id":"idle"}`, nil)
	must("tenant suspend", `{"client_id":"idle"}`, nil)
	must("content import", `{}`, itemsOf(nil, "a", "b"))
	must("content import", `{"tenant":"acme"}`, itemsOf(nil, "own"))
	wrong := map[string][]string{
		"tenant add": {`invalid {"client_id":""}`, `invalid {"client_id":"a b"}`, `conflict {"client_id":"acme"}`, `invalid {"client_id":"n","sites":["ftp://x"]}`,
			`invalid {"client_id":"n","policy":{"listen":":1"}}`, `invalid {"client_id":"n","prices":[{"since":"x","micros":1}]}`, `invalid {"client_id":"n","keys":"{}"}`},
		"tenant list": {`invalid {"x":1}`},
		"tenant show": {`not found {"client_id":"nobody"}`},
		"tenant set": {`not found {"client_id":"nobody"}`, `invalid {"client_id":"acme","calls_per_month":-1}`, `invalid {"client_id":"acme","name":"\u0007"}`,
			`invalid {"client_id":"acme","remove_sites":["https://acme.example"]}`, `invalid {"client_id":"acme","policy":{"policy.token.calls":"0"}}`},
		"tenant suspend":       {`not found {"client_id":"nobody"}`},
		"tenant resume":        {`not found {"client_id":""}`},
		"tenant rotate-secret": {`not found {"client_id":"nobody"}`, `invalid {"client_id":"acme","overlap":"long"}`},
		"tenant remove":        {`not found {"client_id":"nobody"}`},
		"content import":       {`not found {"tenant":"nobody"}`, `invalid {"prune":true}`, `invalid {"options":{"labels":"["}}`, `invalid {"options":{"url":"x"}}`},
		"content options":      {`not found {"tenant":"nobody"}`},
		"content list":         {`not found {"tenant":"nobody","limit":1}`, `invalid {"limit":0}`, `invalid {"limit":10001}`, `not found {"collection":"lettres","limit":1}`},
		"content show":         {`not found {"id":"zz"}`, `not found {"id":""}`},
		"content remove":       {`invalid {}`, `not found {"ids":["zz"]}`, `invalid {"ids":["a"],"collection":"letters"}`, `not found {"collection":"lettres"}`, `not found {"tenant":"acme","ids":["a"]}`},
		"content export":       {`not found {"tenant":"nobody"}`, `not found {"collection":"lettres"}`},
		"token issue": {`not found {"tenant":"nobody","scope":"content"}`, `conflict {"tenant":"idle","scope":"content"}`, `invalid {"tenant":"acme","scope":"all"}`,
			`invalid {"tenant":"acme","scope":"content","subject":"` + strings.Repeat("x", 129) + `"}`},
		"token show":            {`invalid {"token":"x"}`, `invalid {"token":"a.b.c"}`, `not found {"token":"AAAAAAAAAAAAAAAAAAAAAA"}`},
		"token revoke":          {`invalid {"token":""}`, `invalid {"token":"a.b.c"}`},
		"address list":          {`invalid {"x":1}`},
		"address allow":         {`invalid {"range":"x"}`, `unconfirmed {"range":"10.0.0.0/8"}`, `invalid {"range":"10.0.0.1","for":"1ms"}`, `invalid {"range":"10.0.0.1","reason":"` + strings.Repeat("x", 257) + `"}`},
		"address block":         {`invalid {"range":""}`, `unconfirmed {"range":"0.0.0.0/0"}`, `invalid {"range":"10.0.0.1","for":"-1h"}`, `invalid {"range":"10.0.0.1","for":"2000000h"}`},
		"address remove":        {`invalid {"range":"x"}`, `not found {"range":"10.0.0.1"}`},
		"explain":               {`invalid {"ref":"x"}`, `not found {"ref":"7QK2-M4TD"}`},
		"usage":                 {`invalid {"from":"x"}`, `invalid {"to":"2026-02-30"}`, `invalid {"from":"2026-11-02","to":"2026-11-01"}`, `not found {"tenant":"nobody"}`},
		"key list":              {`invalid []`},
		"key rotate":            {`invalid {"alg":"HS256"}`},
		"issuer list":           {`invalid {"x":1}`},
		"issuer refresh":        {`not found {}`, `not found {"issuer":"x"}`},
		"audit list":            {`invalid {"limit":1001}`, `invalid {"limit":-1}`, `invalid {"from":"x"}`},
		"audit verify":          {`invalid {"x":1}`},
		"backup":                {`invalid {"x":1}`},
		"admin add":             {`invalid {"name":"a b"}`, `invalid {"name":"x","role":"root"}`},
		"admin list":            {`invalid {"x":1}`},
		"admin show":            {`not found {"name":"nobody"}`},
		"admin set":             {`not found {"name":"nobody","role":"owner"}`},
		"admin remove":          {`not found {"name":"nobody"}`},
		"admin password":        {`not found {"name":"nobody","password":"many a slip twixt"}`},
		"admin token add":       {`not found {"admin":"nobody","name":"x"}`},
		"admin token list":      {`not found {"name":"nobody"}`},
		"admin token remove":    {`not found {"admin":"nobody","id":1}`},
		"admin session list":    {`not found {"name":"nobody"}`},
		"admin session revoke":  {`not found {"admin":"nobody"}`},
		"admin passkey list":    {`not found {"name":"nobody"}`},
		"admin passkey remove":  {`not found {"admin":"nobody","id":1}`},
		"overview show":         {`invalid {"period":"year"}`, `not found {"period":"day","tenant":"nobody"}`},
		"content collections":   {`not found {"tenant":"nobody"}`},
		"content search":        {`not found {"tenant":"nobody","q":"a"}`, `invalid {"tenant":"acme","q":"a","limit":1000}`},
		"content undo":          {`conflict {"generation":4711}`},
		"address proposals":     {`invalid {"limit":-1}`},
		"address show":          {`invalid {"address":"x"}`},
		"address keep":          {`invalid {"range":"x"}`, `conflict {"range":"198.51.100.7/32"}`},
		"doctor":                {`not found {"client_id":"nobody"}`},
		"tenant refusals":       {`not found {"client_id":"nobody"}`},
		"tenant link add":       {`not found {"client_id":"nobody","name":"x"}`, `invalid {"client_id":"acme","name":"x","for":"40d"}`},
		"tenant link list":      {`not found {"client_id":"nobody"}`},
		"tenant link remove":    {`not found {"client_id":"acme","id":"nothing"}`},
		"policy show":           {`not found {"name":"policy.no"}`, `not found {"tenant":"nobody"}`},
		"policy compare":        {`invalid {"policy":{"policy.no":"1"}}`, `invalid {"policy":{"policy.spike.calls":"x"}}`},
		"statement list":        {`invalid {"limit":-1}`},
		"statement show":        {`not found {"tenant":"nobody","month":"2026-11"}`, `invalid {"tenant":"acme","month":"x"}`},
		"statement export":      {`invalid {"tenant":"acme","month":"2026-10","format":"pdf"}`},
		"statement prove":       {`invalid {"tenant":"acme","month":"2026","line":1}`},
		"statement key":         {`invalid {"x":1}`},
		"statement close":       {`invalid {"x":1}`},
		"token list":            {`invalid {"state":"odd"}`, `invalid {"order":"odd"}`, `invalid {"limit":1001}`, `not found {"tenant":"nobody"}`},
		"refusal list":          {`invalid {"ref":"x"}`, `invalid {"limit":-1}`},
		"fsck":                  {`invalid {"x":1}`},
		"webhook add":           {`invalid {"url":"x"}`, `invalid {"url":"http://ops.example/x"}`, `invalid {"url":"https://ops.example/x","events":["no"]}`, `invalid {"url":"https://ops.example/x","tenant":"nobody"}`},
		"webhook list":          {`invalid {"x":1}`},
		"webhook show":          {`not found {"id":"nothing"}`},
		"webhook set":           {`not found {"id":"nothing","enabled":true}`},
		"webhook remove":        {`not found {"id":"nothing"}`},
		"webhook rotate-secret": {`not found {"id":"nothing"}`},
		"webhook test":          {`not found {"id":"nothing"}`},
		"webhook deliveries":    {`invalid {"state":"odd"}`, `invalid {"limit":1001}`, `not found {"webhook":"nothing"}`},
		"webhook replay":        {`not found {"id":4711}`, `invalid {}`},
	}
	for _, o := range All() {
		for _, in := range append(wrong[o.Name], `invalid`, `invalid {`, `invalid {"no_such_field":1}`) {
			want, text, _ := strings.Cut(in, " {")
			if text != "" {
				text = "{" + text
			} else if _, list, is := strings.Cut(in, " ["); is {
				want, text = "invalid", "["+list
			}
			if err := run(o.Name, text, itemsOf(nil)); kindNames[failure.KindOf(err)] != want {
				t.Errorf("%s %s: %s: %v; want %s", o.Name, text, kindNames[failure.KindOf(err)], err, want)
			}
		}
	}
	for want, items := range map[string]iter.Seq2[content.Item, error]{
		"invalid":  itemsOf(content.LineErrors{{}}),
		"conflict": itemsOf(nil, "own"), // a tenant's
		"fault":    itemsOf(errors.New("a disk failed")),
	} {
		if err := run("content import", `{}`, items); kindNames[failure.KindOf(err)] != want {
			t.Errorf("content import: %v; want %s", err, want)
		}
	}
	release, err := d.Store.HoldImports()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for name, in := range map[string]string{"content import": `{}`, "content remove": `{"ids":["a"]}`, "backup": `{}`} {
		if err := run(name, in, itemsOf(nil, "c")); failure.KindOf(err) != failure.Conflict {
			t.Errorf("%s during another import: %v", name, err)
		}
	}
}

var kindNames = map[failure.Kind]string{failure.Fault: "fault", failure.Invalid: "invalid", failure.NotFound: "not found", failure.Conflict: "conflict",
	failure.Forbidden: "forbidden", failure.Unconfirmed: "unconfirmed", failure.Stale: "stale"}

// TestRoutes checks that the admin API has every operation, in a place of its own, and that the
// fields in a path are fields of the input.
func TestRoutes(t *testing.T) {
	form := regexp.MustCompile(`^(/[a-z-]+|/\{[a-z_]+(\.\.\.)?\})+$`)
	seen := map[string]string{}
	for _, o := range All() {
		r := o.Route
		if !form.MatchString(r.Path) {
			t.Errorf("%s has no route, or a wrong one: %q; add .at(\"GET /…\") to its row", o.Name, r.Path)
			continue
		}
		if _, changes := o.Changes(); changes == (r.Method == "GET") {
			t.Errorf("%s changes something: %t, and its method is %s", o.Name, changes, r.Method)
		}
		place := r.Method + " " + regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(r.Path, "{}")
		if other := seen[place]; other != "" {
			t.Errorf("%s has the place of %s: %s", o.Name, other, place)
		}
		seen[place] = o.Name
	}
	for _, name := range []string{"tenants", "usage", "tokens", "addresses", "refusals", "content", "keys", "audit"} {
		if seen["GET /"+name] == "" {
			t.Errorf("the contract's resource %s can't be read", name)
		}
	}
}

// TestPreviews checks that a call that asks what it would do changes nothing and is not recorded,
// and that it fails where the real call fails.
func TestPreviews(t *testing.T) {
	d := openDir(t)
	call := func(name, in string, dry bool) (any, error) {
		o, _ := Find(name)
		return o.Run(t.Context(), d, Call{Actor: byOwner, Input: json.RawMessage(in), Items: itemsOf(nil, "a", "b"), Out: new(bytes.Buffer), DryRun: dry})
	}
	state := func() string {
		var all []any
		for name, in := range map[string]string{"tenant list": `{}`, "address list": `{}`, "key list": `{}`, "audit verify": `{}`} {
			result, err := call(name, in, false)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, name, result)
		}
		return fmt.Sprintf("%d items, %d tenants, %+v", d.Store.Items(0), len(all), len(d.Tenants.List()))
	}
	for _, step := range []struct{ name, in, before, after, fails string }{
		{"tenant add", `{"client_id":"acme","name":"Acme"}`, `null`, `"name":"Acme"`, `{"client_id":""}`},
		{"tenant set", `{"client_id":"acme","name":"New","prices":[{"since":"2026-01-01","micros":1}]}`, `"name":"Acme"`, `"name":"New"`, `{"client_id":"acme","calls_per_month":-1}`},
		{"tenant suspend", `{"client_id":"acme"}`, `"status":"active"`, `"status":"suspended"`, `{"client_id":"x"}`},
		{"tenant resume", `{"client_id":"acme"}`, `"status":"suspended"`, `"status":"active"`, `{"client_id":"x"}`},
		{"tenant rotate-secret", `{"client_id":"acme","overlap":"1h"}`, `"valid_secrets":1`, `"valid_secrets":2`, `{"client_id":"x"}`},
		{"content import", `{}`, `null`, `"added":2`, `{"tenant":"x"}`},
		{"content remove", `{"ids":["a"]}`, `null`, `"removed":1`, `{"ids":["a","c"]}`},
		{"content remove", `{"collection":"letters","confirmed":9}`, `null`, `"removed":1`, `{"collection":"words"}`},
		{"address allow", `{"range":"192.0.2.1","reason":"test"}`, `null`, `"reason":"test"`, `{"range":"0.0.0.0/0"}`},
		{"address block", `{"range":"192.0.2.1"}`, `"kind":"allow"`, `"kind":"block"`, `{"range":"0.0.0.0/0"}`},
		{"address remove", `{"range":"192.0.2.1"}`, `"kind":"block"`, `null`, `{"range":"192.0.2.9"}`},
		{"key rotate", `{"alg":"ES256"}`, `null`, `"alg":"ES256"`, `{"alg":"x"}`},
		{"token revoke", `{"token":"AAAAAAAAAAAAAAAAAAAAAA"}`, `null`, `"active":false`, `{"token":"x"}`},
		{"tenant remove", `{"client_id":"acme"}`, `"client_id":"acme"`, `null`, `{"client_id":"x"}`},
	} {
		was := state()
		result, err := call(step.name, step.in, true)
		text, _ := json.Marshal(result)
		before, after, _ := strings.Cut(string(text), `,"after":`)
		if err != nil || !strings.Contains(before, step.before) || !strings.Contains(after, step.after) {
			t.Errorf("%s %s: %s, %v", step.name, step.in, text, err)
		}
		if now := state(); now != was {
			t.Errorf("%s %s changed something: %s, before: %s", step.name, step.in, now, was)
		}
		_, dry := call(step.name, step.fails, true)
		if _, real := call(step.name, step.fails, false); dry == nil || real == nil || failure.KindOf(dry) != failure.KindOf(real) {
			t.Errorf("%s %s: %v, and dry: %v", step.name, step.fails, real, dry)
		}
		if _, err := call(step.name, step.in, false); err != nil {
			t.Errorf("%s %s: %v", step.name, step.in, err)
		}
	}
	for _, o := range All() {
		if _, changes := o.Changes(); changes && !o.HasPreview() {
			if _, err := call(o.Name, o.Example, true); failure.KindOf(err) != failure.Invalid {
				t.Errorf("%s has no preview: %v", o.Name, err)
			}
		}
	}
}
