package refusallog

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"stile.example/stile/refusals"
	"stile.example/stile/store/tables/rows"
)

// Refusals implements [refusals.Store]. Each filter has an index that has the refusals in their
// order, so a page reads about as many rows as it has. A list of a tenant's refusals, or of those
// that are observed, merges one list for each code.
func (t *Table) Refusals(ctx context.Context, q refusals.Query) ([]refusals.Refusal, error) {
	parts, err := t.partsOf(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list refusals: %w", err)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	var texts []string
	var args []any
	for i, p := range parts {
		text, more := p.bounded(q)
		texts, args = append(texts, `SELECT * FROM (`+text+`) AS part`+strconv.Itoa(i)), append(args, more...)
	}
	all, err := rows.All(ctx, t.db.Reader(), scan, `
		SELECT `+columns+` FROM refusals WHERE ref IN (
			SELECT ref FROM (`+strings.Join(texts, ` UNION ALL `)+`) AS found ORDER BY at DESC, ref DESC LIMIT ?)
		ORDER BY at DESC, ref DESC`, append(args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("list refusals: %w", err)
	}
	return all, nil
}

// part is the refusals that one range of an index has, in their order.
type part struct {
	index string
	where []string
	args  []any
}

func (p *part) add(condition string, arg any) {
	p.where, p.args = append(p.where, condition), append(p.args, arg)
}

// bounded returns the text of a query for the first refusals of a part.
func (p part) bounded(q refusals.Query) (string, []any) {
	if !q.From.IsZero() {
		p.add(`at >= ?`, q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		p.add(`at < ?`, q.To.UnixMilli())
	}
	if q.After.Ref != "" {
		p.add(`(at, ref) < (?, ?)`, q.After.At.UnixMilli())
		p.args = append(p.args, q.After.Ref)
	}
	where := `true`
	if len(p.where) > 0 {
		where = strings.Join(p.where, ` AND `)
	}
	return `SELECT at, ref FROM refusals INDEXED BY ` + p.index + ` WHERE ` + where + ` ORDER BY at DESC, ref DESC LIMIT ?`,
		append(p.args, q.Limit)
}

// partsOf returns the parts that have what a query selects: by the index of the filter that selects
// fewest.
func (t *Table) partsOf(ctx context.Context, q refusals.Query) ([]part, error) {
	switch {
	case q.Token != [16]byte{}:
		return []part{filtered("refusals_by_token", `token = ?`, q.Token[:], q)}, nil
	case q.Identity != "":
		return []part{filtered("refusals_by_identity", `identity = ?`, q.Identity, q)}, nil
	case q.Address != "":
		return []part{filtered("refusals_by_address", `address = ?`, q.Address, q)}, nil
	case q.Tenant == "" && q.Code == "" && q.Observed == nil:
		return []part{{index: "refusals_by_time"}}, nil
	}
	codes := []string{q.Code}
	if q.Code == "" {
		var err error
		if codes, err = t.codes(ctx, q.Tenant); err != nil {
			return nil, err
		}
	}
	var parts []part
	for _, code := range codes {
		for _, observed := range []bool{false, true} {
			if q.Observed != nil && *q.Observed != observed {
				continue
			}
			p := part{index: "refusals_by_code"}
			if q.Tenant != "" {
				p.index = "refusals_by_tenant"
				p.add(`tenant = ?`, q.Tenant)
			}
			p.add(`code = ?`, code)
			p.add(`observed = ?`, observed)
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// filtered returns the part of an index for one value, with the other conditions of a query.
func filtered(index, condition string, value any, q refusals.Query) part {
	p := part{index: index}
	p.add(condition, value)
	for _, c := range [][2]string{{`identity = ?`, q.Identity}, {`address = ?`, q.Address}, {`tenant = ?`, q.Tenant}, {`code = ?`, q.Code}} {
		if c[1] != "" && c[0] != condition {
			p.add(c[0], c[1])
		}
	}
	if q.Observed != nil {
		p.add(`observed = ?`, *q.Observed)
	}
	return p
}

// codes returns the codes of a tenant's refusals, or of all. It jumps from one to the next.
func (t *Table) codes(ctx context.Context, tenant string) ([]string, error) {
	condition, args := `true`, []any{}
	if tenant != "" {
		condition, args = `tenant = ?`, []any{tenant, tenant}
	}
	return rows.All(ctx, t.db.Reader(), rows.Value[string], `
		WITH RECURSIVE found (code) AS (
			SELECT min(code) FROM refusals WHERE `+condition+`
			UNION ALL
			SELECT (SELECT min(code) FROM refusals WHERE `+condition+` AND code > found.code) FROM found WHERE found.code IS NOT NULL)
		SELECT code FROM found WHERE code IS NOT NULL`, args...)
}
