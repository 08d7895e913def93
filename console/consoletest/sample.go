package consoletest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"stile.example/stile/console/frame"
)

// Hostile are texts that must be shown as they are: markup, formulas, control characters, and a
// very long word.
var Hostile = []string{"<script>alert(1)</script>", `"onmouseover="alert(1)`, "=cmd|' /C calc'!A0", "a\r\nSet-Cookie: x=1", "\x1b[31mred\x1b[0m", "\u202egnp.exe", "javascript:alert(1)", strings.Repeat("long", 60)}

// Fill makes operations return sample data, so that pages can be looked at. names are used for
// everything that a tenant, a client or an operator may have chosen. now is the time of the newest
// data.
func Fill(f *frame.Frame, now time.Time, names ...string) {
	sample := func(operation string, value any) {
		f.Instead(operation, func(json.RawMessage) (any, error) { return value, nil })
	}
	list := tenants(now, names)
	sample("tenant list", list)
	f.Instead("tenant show", func(in json.RawMessage) (any, error) {
		var asked struct {
			ClientID string `json:"client_id"`
		}
		if err := json.Unmarshal(in, &asked); err != nil {
			return nil, err
		}
		for _, t := range list {
			if t["client_id"] == asked.ClientID {
				return t, nil
			}
		}
		return list[0], nil
	})
	f.Instead("overview show", func(in json.RawMessage) (any, error) { return overview(now, in) })
	sample("refusal list", object{"refusals": refusals(now, names), "next": "more"})
	sample("usage", usage(now, names))
	fillStatements(f, now, names)
	sample("doctor", findings(names[0]))
	sample("tenant link list", links(now, names))
}

func findings(name string) (list []object) {
	for _, severity := range []string{"critical", "warning", "notice"} {
		list = append(list, object{"finding": "The back-end caches tokens: several browsers get the same one.", "severity": severity,
			"evidence": "In the last 7 days, 6 tokens were used by several browsers each, from " + name + ". Example: ref 7QK2-M4TD.",
			"fix":      "Send this header with it:\n  Cache-Control: no-store\n  " + name})
	}
	return list
}

func links(now time.Time, names []string) (list []object) {
	for i, name := range names {
		l := object{"id": fmt.Sprint("mfrggzd", i), "name": name, "created_by": "ada", "created_at": now.AddDate(0, 0, -i), "expires_at": now.AddDate(0, 0, 3-i), "ended": i > 3, "last_used": nil}
		if i%2 == 0 {
			l["last_used"] = now.Add(-time.Hour)
		}
		list = append(list, l)
	}
	return list
}

type object = map[string]any

func tenants(now time.Time, names []string) (list []object) {
	for i, name := range names {
		list = append(list, object{
			"client_id": name, "name": name + " Ltd", "sites": []string{"https://www." + name + ".example", "https://" + name + ".example"}[:i%3],
			"status": []string{"active", "active", "suspended"}[i%3], "calls_per_month": int64(i%4) * 50_000, "calls_this_month": int64(1+i) * 41_300,
			"policy": map[string]string{"policy.token.calls": "500", "site": name}, "prices": []object{{"since": "2026-01-01", "micros": 2000}},
			"created_at": now.AddDate(0, -i-1, 0), "holdings": object{"items": 120 * i, "live_tokens": 1234, "secrets": 2, "has_keys": i%2 == 1},
		})
	}
	return list
}

func refusals(now time.Time, names []string) (list []object) {
	codes := []string{"token_expired", "challenge_required", "address_blocked", "client_mismatch", "token_hijacked"}
	for i := range 8 {
		name := names[i%len(names)]
		list = append(list, object{"ref": fmt.Sprintf("7QK%d-M4TD", i+2), "at": now.Add(-time.Duration(i*i*7) * time.Minute), "code": codes[i%len(codes)], "tenant": name,
			"decision": "The token made 61 calls within a minute on the page " + name + "; the limit is 60.", "observed": i == 3, "count": 1 + 9*i})
	}
	return list
}

func usage(now time.Time, names []string) (rows []object) {
	for day := range 60 {
		for i, name := range names {
			for n, route := range []string{"items", "item", "related", "collections"} {
				calls := int64(float64(4000/(1+n)/(1+i)) * (1.2 + math.Sin(float64(day)/4)))
				rows = append(rows, object{"tenant": name, "day": now.UTC().AddDate(0, 0, -day).Format(time.DateOnly), "route": route, "calls": calls, "records": 3 * calls, "micros": 2000 * calls})
			}
		}
	}
	return rows
}

func overview(now time.Time, in json.RawMessage) (any, error) {
	var asked struct {
		Period string `json:"period"`
	}
	if err := json.Unmarshal(in, &asked); err != nil {
		return nil, err
	}
	n, step := 60, time.Minute
	switch asked.Period {
	case "day":
		n, step = 96, 15*time.Minute
	case "month":
		n, step = 30, 24*time.Hour
	}
	var series []object
	for i := range n {
		series = append(series, figures(1.2+math.Sin(float64(i)*6/float64(n)), object{"at": now.UTC().Truncate(step).Add(-time.Duration(n-1-i) * step)}))
	}
	total, before := figures(float64(n), object{}), figures(float64(n)*0.9, object{})
	// A period has the highest of its parts and a latency like theirs, not their sum.
	total["most"], before["most"] = series[n/4]["most"], series[n/3]["most"]
	total["latency"], before["latency"] = series[n/2]["latency"], series[n/3]["latency"]
	return object{"bucket": int64(step / time.Second), "now": object{"live_tokens": 1234, "addresses_blocked": 3, "addresses_crowded": 17, "proposals": 2},
		"total": total, "before": before, "series": series}, nil
}

// figures adds figures of a size to an object.
func figures(size float64, to object) object {
	n := func(v float64) int64 { return int64(v * size) }
	to["calls"], to["refusals"] = n(480), n(31)
	to["refusals_by_code"] = map[string]int64{"token_expired": n(14), "challenge_required": n(9), "address_blocked": n(5), "client_mismatch": n(3)}
	to["challenges"] = object{"asked": n(40), "solved": n(31), "failed": n(4), "left_open": n(5)}
	to["latency"] = object{"calls": n(480), "p50_ms": 0.8, "p99_ms": 3 + 2*math.Sin(size)}
	to["most"] = map[string]int64{"proposals": n(1), "live": n(900), "block": n(3), "crowded": n(12)}
	return to
}
