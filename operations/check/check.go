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
	if err != nil {
		return r, err
	}
	shared, err := sharedCorpus(ctx, d)
	if shared != nil {
		r.Findings = append(r.Findings, *shared)
	}
	return r, err
}

// sharedCorpus reads the corpus from the store that several nodes share, nil if it is complete or
// if there is only one machine. This node restores what is missing there, if it has it.
func sharedCorpus(ctx context.Context, d *datadir.Dir) (*inspect.Finding, error) {
	c, ok, err := d.Store.CheckShared(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the corpus from the store of all nodes: %w", err)
	}
	if !ok || c.Missing == 0 {
		return nil, nil
	}
	f := &inspect.Finding{
		Check: "shared corpus", Count: int64(c.Missing),
		Finding:  "chunks of the corpus are missing or damaged in the store of all nodes",
		Examples: []string{fmt.Sprintf("generation %d: %d of %d chunks, of which %d were stored again", c.Generation, c.Missing, c.Chunks, c.Restored)},
		Fix:      "nothing: this node has stored them again; check the database or the bucket, which lost them",
	}
	if c.Restored < c.Missing {
		f.Fix = "run the check on a node that serves this generation, which stores them again; if there is none, import the items again"
	}
	return f, nil
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
