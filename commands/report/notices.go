package report

import (
	"fmt"
	"io"

	"stile.example/stile/commands/printing"
	"stile.example/stile/content"
)

// maxNotices is the maximum number of notices that are listed.
const maxNotices = 100

// Notices collects what an import ignored.
type Notices struct {
	first []content.Notice
	more  int
}

// Add adds a notice. The importer calls it, from one goroutine.
func (n *Notices) Add(notice content.Notice) {
	if len(n.first) == maxNotices {
		n.more++
		return
	}
	n.first = append(n.first, notice)
}

// Show prints the first notices, and how many more there are.
func (n *Notices) Show(out io.Writer) {
	for _, notice := range n.first {
		fmt.Fprintln(out, printing.Safe(notice.Error()))
	}
	if n.more > 0 {
		fmt.Fprintf(out, "… and %s more were ignored\n", printing.Number(n.more))
	}
}
