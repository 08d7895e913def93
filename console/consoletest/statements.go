package consoletest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/console/frame"
)

// fillStatements makes the operations on statements return sample data: a page of statements, a
// closed one with a row for each day and route, and a proof.
func fillStatements(f *frame.Frame, now time.Time, names []string) {
	month := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)
	var list []object
	for i, name := range names {
		list = append(list, object{"tenant": name, "name": name + " Ltd", "month": month.Format("2006-01"), "number": 3 + i, "closed_at": now.AddDate(0, 0, -i), "currency": []string{"EUR", ""}[i%2],
			"calls": 41_300, "records": 82_600, "amount": json.Number("123.456789"), "lines": 1234, "hash": strings.Repeat("0f", 32)})
	}
	var rows []object
	for day := month; day.Month() == month.Month(); day = day.AddDate(0, 0, 1) {
		for _, route := range []string{"collections", "item", "items", "related"} {
			rows = append(rows, object{"day": day.Format(time.DateOnly), "route": route, "calls": 12_345, "records": 67_890, "amount": json.Number("24.69")})
		}
	}
	prices := []object{{"since": "2026-01-01", "call": json.Number("0.002"), "record": json.Number("0.000001"), "tiers": []object{{"unit": "calls", "from": 10_001, "amount": json.Number("0.0015")}}}}
	f.Instead("statement list", func(json.RawMessage) (any, error) { return object{"statements": list, "next": "more"}, nil })
	f.Instead("statement show", func(json.RawMessage) (any, error) {
		return object{"tenant": names[0], "name": names[0] + " Ltd", "month": month.Format("2006-01"), "number": 3, "closed_at": now, "currency": "EUR", "calls": 1_530_780, "records": 8_418_360, "amount": json.Number("3061.56"),
			"lines": 1234, "root": strings.Repeat("A", 43) + "=", "previous": strings.Repeat("f0", 32), "prices": prices, "rows": rows, "preliminary": false, "state": "closed", "closes_at": now, "hash": strings.Repeat("0f", 32), "note": names[0], "key": names[0]}, nil
	})
	f.Instead("statement prove", func(json.RawMessage) (any, error) {
		return object{"line": 7, "token": strings.Repeat("0", 32), "day": month.Format(time.DateOnly), "route": "items", "calls": 5, "records": 50, "proof": fmt.Sprintf("stile proof 1\n6 1234\n%s\n", names[0])}, nil
	})
}
