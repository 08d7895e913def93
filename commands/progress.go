package commands

import (
	"fmt"
	"io"
	"time"

	"stile.example/stile/commands/printing"
	"stile.example/stile/content"
)

// progress shows the progress of an import: on a terminal as one line that is overwritten,
// otherwise as a line every 5 s.
type progress struct {
	out      io.Writer
	now      func() time.Time
	terminal bool
	next     time.Time
	shown    bool
}

func newProgress(out io.Writer, now func() time.Time) *progress {
	return &progress{out: out, now: now, terminal: printing.IsTerminal(out), next: now().Add(2 * time.Second)}
}

// reading shows the progress. The importer calls it, from one goroutine.
func (p *progress) reading(done content.Progress) {
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

func (p *progress) end() {
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
