// Package report shows the progress of an import, and prints its result.
package report

import (
	"fmt"
	"io"
	"time"

	"stile.example/stile/commands/printing"
	"stile.example/stile/content"
)

// Progress shows the progress of an import: on a terminal as one line that is overwritten,
// otherwise as a line every 5 s.
type Progress struct {
	out      io.Writer
	now      func() time.Time
	terminal bool
	next     time.Time
	shown    bool
}

// NewProgress returns a Progress that writes to out.
func NewProgress(out io.Writer, now func() time.Time) *Progress {
	return &Progress{out: out, now: now, terminal: printing.IsTerminal(out), next: now().Add(2 * time.Second)}
}

// Reading shows the progress. The importer calls it, from one goroutine.
func (p *Progress) Reading(done content.Progress) {
	now := p.now()
	if p.terminal {
		if now.Before(p.next.Add(-1900 * time.Millisecond)) {
			return
		}
		p.next, p.shown = now.Add(2*time.Second), true
		fmt.Fprintf(p.out, "\r%s  ", described(done))
		return
	}
	if !now.Before(p.next) {
		p.next = now.Add(5 * time.Second)
		fmt.Fprintln(p.out, described(done))
	}
}

// End ends the line on a terminal.
func (p *Progress) End() {
	if p.shown {
		fmt.Fprintln(p.out)
	}
}

func described(done content.Progress) string {
	if done.Size > 0 {
		return fmt.Sprintf("%d items read, %d%%", done.Items, 100*done.Bytes/done.Size)
	}
	return fmt.Sprintf("%d items read, %.1f MB", done.Items, float64(done.Bytes)/1e6)
}
