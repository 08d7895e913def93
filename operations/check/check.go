// Package check checks for `fsck` that everything in a data directory agrees.
package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"stile.example/stile/datadir"
	"stile.example/stile/operations/failure"
	"stile.example/stile/store/sqlite/inspect"
)

// Progress is a line of JSON that `fsck` writes while it reads.
type Progress struct {
	Part string `json:"part"`
	Rows int64  `json:"rows"` // that were read of the part
}

// Files checks that everything in a data directory agrees. out gets lines of [Progress].
func Files(ctx context.Context, d *datadir.Dir, _ None, out io.Writer) (inspect.Report, error) {
	if out == nil {
		out = io.Discard
	}
	progress := json.NewEncoder(out)
	r, err := d.Inspect(ctx, func(part string, rows int64) {
		_ = progress.Encode(Progress{part, rows}) // if nobody reads it any more, ctx ends
		if f, ok := out.(interface{ Flush() }); ok {
			f.Flush()
		}
	})
	if errors.Is(err, datadir.ErrInspecting) {
		return r, failure.Of(failure.Conflict, err)
	}
	if err != nil || d.Meter == nil || d.Nodes != nil || len(r.Findings) > 0 {
		return r, err
	}
	lost, err := lostCalls(ctx, d)
	if lost != nil {
		r.Findings = append(r.Findings, *lost)
	}
	return r, err
}

// lostCalls compares what the running server has counted for the quotas with the database, nil if
// they agree. A call is durable before it counts for the quota, so the database never has fewer.
func lostCalls(ctx context.Context, d *datadir.Dir) (*inspect.Finding, error) {
	used := map[string]int64{}
	for _, t := range d.Tenants.List() {
		used[t.ClientID] = d.Meter.Used(t.Number, d.Now())
	}
	first := d.Now().UTC().Format("2006-01") + "-01"
	lines, err := d.Store.Recount(ctx)
	if err != nil {
		return nil, err
	}
	stored := map[string]int64{}
	for _, l := range lines {
		if l.Day < first {
			continue
		}
		stored[l.Tenant] += l.Calls
	}
	f := inspect.Finding{Check: "quota", Finding: "the server has counted calls that the database does not have",
		Fix: "restart the server, which counts from the database; if it happens again, check the disk and keep a copy of the data directory"}
	for client, n := range used {
		if have := stored[client]; have < n {
			f.Count++
			f.Examples = append(f.Examples, fmt.Sprintf("%s: %d calls this month, and %d in the database", client, n, have))
		}
	}
	if f.Count == 0 {
		return nil, nil
	}
	f.Examples = f.Examples[:min(len(f.Examples), 3)]
	return &f, nil
}

// None is the input of an operation that has no parameters.
type None struct{}
