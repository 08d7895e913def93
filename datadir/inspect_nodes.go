package datadir

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stile.example/stile/statements"
	"stile.example/stile/store/sqlite/inspect"
	"stile.example/stile/tokens/signing"
	"stile.example/stile/usage"
)

// inspectShared is [Dir.Inspect] for a database that nodes share. PostgreSQL checks its own files
// and indexes, so this checks what stile itself says about the data: the audit log, the statements,
// the sums of the ledger, the keys and the corpus.
func (d *Dir) inspectShared(ctx context.Context, progress func(part string, rows int64)) (r inspect.Report, err error) {
	r = inspect.Report{Checked: map[string]int64{}, Findings: []inspect.Finding{}, Notices: []inspect.Finding{{
		Check: "database", Finding: "the files and indexes of PostgreSQL are not checked here", Count: 1,
		Examples: []string{"a damaged index or page"}, Fix: "run `pg_amcheck`, and turn data checksums on",
	}}}
	for _, part := range []struct {
		name  string
		check func(context.Context, *inspect.Report) (int64, error)
	}{
		{"audit", d.inspectAudit}, {"statements", d.inspectStatements}, {"ledger", d.inspectLedger}, {"keys", d.inspectKeys}, {"corpus", d.inspectCorpus},
	} {
		progress(part.name, 0)
		n, err := part.check(ctx, &r)
		if err != nil {
			return r, fmt.Errorf("check %s: %w", part.name, err)
		}
		r.Checked[part.name] = n
		progress(part.name, n)
	}
	return r, nil
}

// found adds a finding.
func found(r *inspect.Report, check, what, example, fix string) {
	i := slices.IndexFunc(r.Findings, func(f inspect.Finding) bool { return f.Check == check && f.Finding == what })
	if i < 0 {
		r.Findings = append(r.Findings, inspect.Finding{Check: check, Finding: what, Fix: fix})
		i = len(r.Findings) - 1
	}
	f := &r.Findings[i]
	if f.Count++; len(f.Examples) < 3 {
		f.Examples = append(f.Examples, example)
	}
}

const restoreDatabase = "restore the database from a backup that was made before; until then, what is named here can't be trusted"

func (d *Dir) inspectAudit(ctx context.Context, r *inspect.Report) (int64, error) {
	v, err := d.Audit.Verify(ctx, "")
	if err != nil {
		return 0, err
	}
	if v.Wrong != 0 {
		found(r, "audit", "the audit log was changed", fmt.Sprintf("from entry %d on", v.Wrong), restoreDatabase)
	}
	return v.Entries, nil
}

// inspectStatements verifies each closed statement, with its lines, as a tenant would.
func (d *Dir) inspectStatements(ctx context.Context, r *inspect.Report) (n int64, err error) {
	q := statements.Query{Limit: 100}
	for {
		list, err := d.Statements.Store.Listed(ctx, q)
		if err != nil || len(list) == 0 {
			return n, err
		}
		for _, c := range list {
			n++
			if err := d.inspectStatement(ctx, c); err != nil {
				if ctx.Err() != nil {
					return n, err
				}
				found(r, "statements", "a statement is not as it was signed", fmt.Sprintf("%s %s: %v", c.Tenant, c.Month, err), restoreDatabase)
			}
		}
		last := list[len(list)-1]
		q.AfterMonth, q.AfterTenant = last.Month, last.Tenant
	}
}

func (d *Dir) inspectStatement(ctx context.Context, listed statements.Closed) error {
	c, err := d.Statements.Statement(ctx, listed.Tenant, listed.Month)
	if err != nil {
		return err
	}
	calls := int64(0)
	err = d.Statements.Lines(ctx, c, func(l statements.Line) error {
		calls += l.Calls
		return nil
	})
	if err == nil && calls != c.Calls {
		err = fmt.Errorf("its lines have %d calls, and it says %d", calls, c.Calls)
	}
	return err
}

// inspectLedger compares the sums of days with the lines that they sum up.
func (d *Dir) inspectLedger(ctx context.Context, r *inspect.Report) (int64, error) {
	if err := d.Nodes.Settle(ctx); err != nil {
		return 0, err
	}
	before, err := d.Store.Recount(ctx)
	if err != nil {
		return 0, err
	}
	sums, err := d.Store.Usage(ctx, "", "", "")
	if err != nil {
		return 0, err
	}
	after, err := d.Store.Recount(ctx)
	if err != nil {
		return 0, err
	}
	// Calls are counted meanwhile, so a sum is between those of the lines before and after it.
	smallest, sum, largest := linesByName(before), linesByName(sums), linesByName(after)
	for name := range linesByName(slices.Concat(before, sums)) {
		low, s, high := smallest[name], sum[name], largest[name]
		if s.Calls < low.Calls || s.Records < low.Records || s.Calls > high.Calls || s.Records > high.Records {
			found(r, "ledger", "a sum is not that of its lines", fmt.Sprintf("%s %s %s: %d calls, and %d in its lines", name.tenant, name.day, name.route, s.Calls, high.Calls), restoreDatabase)
		}
	}
	return int64(len(after)), nil
}

// lineName says what a line counts.
type lineName struct{ tenant, day, route string }

// linesByName returns the last line of each name.
func linesByName(lines []usage.Line) map[lineName]usage.Line {
	all := map[lineName]usage.Line{}
	for _, l := range lines {
		all[lineName{l.Tenant, l.Day, l.Route}] = l
	}
	return all
}

func (d *Dir) inspectKeys(ctx context.Context, r *inspect.Report) (int64, error) {
	v, err := d.sealed.Read(ctx, sealedKeys)
	if err != nil {
		return 0, err
	}
	set, err := d.unseal(v)
	if err != nil {
		found(r, "keys", "the keys can't be read", strings.ReplaceAll(err.Error(), "\n", "; "), "use the right store_key_file")
		return 0, nil
	}
	return int64(len(signing.Shared(set, false).List())), nil
}

func (d *Dir) inspectCorpus(ctx context.Context, r *inspect.Report) (int64, error) {
	c, _, err := d.Store.CheckShared(ctx)
	switch {
	case err != nil:
		found(r, "corpus", "the corpus can't be read where all nodes have it", strings.ReplaceAll(err.Error(), "\n", "; "), "check the setting corpus_store; a node that has the corpus stores missing parts again")
	case c.Missing > c.Restored:
		found(r, "corpus", "the corpus is not stored completely", fmt.Sprintf("%d of %d parts", c.Missing-c.Restored, c.Chunks), "run `stile fsck` on a node that has this generation: it stores the missing parts again")
	case c.Missing > 0:
		r.Notices = append(r.Notices, inspect.Finding{Check: "corpus", Finding: "parts of the corpus were missing or damaged where all nodes have it, and were stored again", Count: int64(c.Missing),
			Examples: []string{fmt.Sprintf("%d of %d parts", c.Missing, c.Chunks)}, Fix: "check the database or the bucket, which lost them"})
	}
	s, err := d.Store.Stats(ctx)
	return int64(s.Items), err
}
