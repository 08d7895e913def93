package usage

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// Format is the format of a statement.
type Format string

// The formats.
const (
	Table  Format = "table"  // for people
	CSV    Format = "csv"    // for spreadsheets: RFC 4180 with a header line
	JSON   Format = "json"   // one array
	NDJSON Format = "ndjson" // one object per line
)

// Formats lists all formats. The first is the default.
func Formats() []Format { return []Format{Table, CSV, JSON, NDJSON} }

// ParseFormat parses the name of a format.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("format %.40q: must be table, csv, json or ndjson", name)
}

// Write writes a statement.
func Write(w io.Writer, rows []Row, f Format) error {
	b := bufio.NewWriter(w)
	write := map[Format]func(io.Writer, []Row) error{Table: writeTable, CSV: writeCSV, JSON: writeJSON, NDJSON: writeNDJSON}[f]
	if write == nil {
		return fmt.Errorf("write statement: unknown format %q", f)
	}
	if err := write(b, rows); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

var header = []string{"tenant", "day", "route", "calls", "records", "amount"}

func (r Row) cells() []string {
	return []string{r.Tenant, r.Day, r.Route, strconv.FormatInt(r.Calls, 10), strconv.FormatInt(r.Records, 10), r.Amount.String()}
}

// writeTable adds a line with the totals under the rows.
func writeTable(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ToUpper(strings.Join(header, "\t")))
	total := Row{Tenant: "total"}
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r.cells(), "\t"))
		total.Calls += r.Calls
		total.Records += r.Records
		total.Amount += r.Amount
	}
	fmt.Fprintln(t, strings.Join(total.cells(), "\t"))
	return t.Flush()
}

func writeCSV(w io.Writer, rows []Row) error {
	c := csv.NewWriter(w)
	c.Write(header) // Error returns the first error at the end
	for _, r := range rows {
		cells := r.cells()
		for i := range cells {
			cells[i] = QuoteFormula(cells[i])
		}
		c.Write(cells)
	}
	c.Flush()
	return c.Error()
}

// QuoteFormula returns a cell of CSV that a spreadsheet does not run as a formula (OWASP, CSV
// injection): one that would be gets an apostrophe in front, which spreadsheets don't show. Some
// spreadsheets read a full-width sign as the usual one.
func QuoteFormula(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// writeJSON writes [] if there are no rows.
func writeJSON(w io.Writer, rows []Row) error {
	return json.NewEncoder(w).Encode(append([]Row{}, rows...))
}

func writeNDJSON(w io.Writer, rows []Row) error {
	e := json.NewEncoder(w)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
