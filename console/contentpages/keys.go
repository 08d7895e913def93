package contentpages

import (
	"strconv"

	"stile.example/stile/console/frame"
	"stile.example/stile/operations"
)

// keys shows the signing keys and the external issuers.
func keys(r *frame.Request) (any, error) {
	own, err := frame.Do[operations.None, []operations.KeyView](r, "key list", operations.None{})
	if err != nil {
		return nil, err
	}
	issuers, err := frame.Do[operations.None, []operations.IssuerView](r, "issuer list", operations.None{})
	if err != nil {
		return nil, err
	}
	r.Refresh = true
	t := frame.Table{Caption: "Signing keys of this server", Columns: frame.Columns("Key (kid)", "Algorithm", "State", "Created", "Verifies until")}
	for _, k := range own {
		state, until := frame.Badge("good", "signs"), frame.Text("no end").Muted()
		if !k.Signs {
			state = frame.Badge("info", "verifies only")
		}
		if k.VerifiesUntil != nil {
			until = frame.Time(*k.VerifiesUntil)
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(k.KID), frame.Text(k.Alg), state, frame.Time(k.CreatedAt), until}})
	}
	return struct {
		Keys    frame.Table
		Issuers frame.Table
		Rotate  frame.Cell
		Refresh frame.Cell
		Has     bool
	}{t, issuerTable(r, issuers), r.Ask("/keys/rotate", "Rotate the key…", ""), r.Button("/keys/refresh", "Fetch all keys now", "of external issuers"), len(issuers) > 0}, nil
}

func issuerTable(r *frame.Request, issuers []operations.IssuerView) frame.Table {
	t := frame.Table{Caption: "External issuers", Columns: frame.Columns("Issuer", "State", "#Keys", "Last fetch", "Where the keys are", "Last error", "-Actions"),
		Empty: &frame.Empty{Title: "No external issuer", Text: "The setting issuers names authorization servers whose tokens this server accepts. docs/issuers.md has what each product needs."}}
	t.Columns[5].Wide = true
	for _, i := range issuers {
		state, at, from := frame.Badge("warn", "not fetched yet"), frame.None(), frame.None()
		if i.KeysURL != "" {
			from = frame.Code(i.KeysURL)
		}
		if i.FetchedAt != nil {
			state, at = frame.Badge("good", "ready"), frame.Time(*i.FetchedAt)
		}
		if i.Error != "" {
			state = frame.Badge("bad", "unreachable")
			if i.FetchedAt != nil {
				state = frame.Badge("warn", "keys from before are in use")
			}
		}
		t.Rows = append(t.Rows, frame.Row{Cells: []frame.Cell{frame.Code(i.Issuer), state, frame.Amount(strconv.Itoa(len(i.Keys))), at, from, frame.Text(i.Error), r.Button("/keys/refresh", "Fetch now", i.Issuer, "issuer", i.Issuer)}})
	}
	return t
}

func rotateForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Rotate the signing key", Button: "Sign with a new key", Danger: true, Cancel: "/keys",
		Text:   []string{"New tokens are signed with a new key from now on. The old key verifies until its last token has expired, so no visitor notices."},
		Fields: []frame.Field{{Name: "alg", Label: "Algorithm", Kind: "select", Options: []frame.Option{{Value: "EdDSA", Text: "EdDSA"}, {Value: "ES256", Text: "ES256"}, {Value: "RS256", Text: "RS256"}}}}}, nil
}

func rotate(r *frame.Request, v frame.Values) (frame.Done, error) {
	if _, err := frame.Do[operations.KeyRotation, operations.KeyView](r, "key rotate", operations.KeyRotation{Alg: v.Text("alg")}); err != nil {
		return frame.Done{}, frame.About("alg", err)
	}
	return frame.Done{To: "/keys", Flash: "Tokens are signed with a new key."}, nil
}

func refreshForm(*frame.Request) (frame.FormView, error) {
	return frame.FormView{Title: "Fetch the keys of external issuers", Button: "Fetch now", Cancel: "/keys",
		Fields: []frame.Field{{Name: "issuer", Label: "Issuer", Help: "Empty: all."}}}, nil
}

func refresh(r *frame.Request, v frame.Values) (frame.Done, error) {
	if _, err := frame.Do[operations.IssuerRefresh, []operations.IssuerView](r, "issuer refresh", operations.IssuerRefresh{Issuer: v.Text("issuer")}); err != nil {
		return frame.Done{}, frame.About("issuer", err)
	}
	return frame.Done{To: "/keys", Flash: "The keys were fetched."}, nil
}
