package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stile.example/stile/commands/printing"
	"stile.example/stile/content/imports"
)

// JSON prints the result of an import as JSON.
func JSON(out io.Writer, r imports.Result) error {
	if r.Collections == nil {
		r.Collections = map[string]int{}
	}
	return printing.JSON(out, r)
}

// Text prints the result of an import as text. The items that it omitted are written to errs, like
// errors.
func Text(out, errs io.Writer, r imports.Result) error {
	showOmissions(errs, "left out", r.LeftOut)
	showOmissions(errs, "skipped", r.Skipped)
	if r.DryRun {
		fmt.Fprintf(out, "dry run, nothing was changed: would add %d, update %d, leave %d unchanged, remove %d\n", r.Added, r.Updated, r.Unchanged, r.Removed)
	} else {
		fmt.Fprintf(out, "added %d, updated %d, unchanged %d, removed %d\n", r.Added, r.Updated, r.Unchanged, r.Removed)
	}
	for _, note := range notesOf(r) {
		fmt.Fprintln(out, note)
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(r.Collections)) {
		rows = append(rows, []string{printing.OrDash(name), strconv.Itoa(r.Collections[name])})
	}
	if len(rows) == 0 { // only options were changed
		return nil
	}
	return printing.Table(out, "COLLECTION ITEMS", rows)
}

// notesOf returns the lines about what does not happen in every import.
func notesOf(r imports.Result) (notes []string) {
	var omitted []string
	if n := r.LeftOut.Count; n > 0 {
		omitted = append(omitted, fmt.Sprintf("left out %d", n))
	}
	if n := r.Skipped.Count; n > 0 {
		omitted = append(omitted, fmt.Sprintf("skipped %d invalid", n))
	}
	if len(omitted) > 0 {
		notes = append(notes, strings.Join(omitted, ", "))
	}
	if r.IndexedAgain > 0 {
		notes = append(notes, fmt.Sprintf("indexed again %d, because the options changed", r.IndexedAgain))
	}
	if r.NotPruned {
		notes = append(notes, "not pruned, because older versions of the skipped items would be removed")
	}
	if r.Unconfirmed != nil {
		notes = append(notes, fmt.Sprintf("the removal of %d of %d items needs --yes", r.Unconfirmed.Items, r.Unconfirmed.Of))
	}
	return notes
}

func showOmissions(errs io.Writer, what string, o imports.Omissions) {
	for _, item := range o.First {
		fmt.Fprintln(errs, printing.Safe(item.Where+": "+what+": "+item.Why))
	}
	if more := o.Count - len(o.First); more > 0 {
		fmt.Fprintf(errs, "… and %s more were %s\n", printing.Number(more), what)
	}
}
