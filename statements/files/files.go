// Package files writes statements in the documented formats, and verifies such files without a
// server or a data directory.
//
// A file has the signed note, the public key, and, except HTML, all ledger lines. It is written in
// exactly one way, which follows from the note, the key and the lines. So [Verify] writes it again
// and compares: a change of any bit is found. Each line carries the beginning of its hash, so that
// the changed line is known, and not only that there is one.
package files

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"stile.example/stile/statements"
	"stile.example/stile/usage"
)

// Format is a format of statements.
type Format string

// The formats.
const (
	HTML   Format = "html"   // a page that can be printed; without the ledger lines
	CSV    Format = "csv"    // for spreadsheets: RFC 4180
	JSON   Format = "json"   // one object, with one line for each ledger line
	NDJSON Format = "ndjson" // CloudEvents 1.0, one a line
)

// Formats lists all formats.
func Formats() []Format { return []Format{HTML, CSV, JSON, NDJSON} }

// ParseFormat parses the name of a format.
func ParseFormat(name string) (Format, error) {
	if f := Format(name); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("format %.40q: must be html, csv, json or ndjson", name)
}

// ContentType returns the format's media type.
func (f Format) ContentType() string {
	return map[Format]string{HTML: "text/html; charset=utf-8", CSV: "text/csv; charset=utf-8", JSON: "application/json", NDJSON: "application/x-ndjson"}[f]
}

// layout is how a format writes a statement: a head, the ledger lines, and a tail.
type layout struct {
	head func(statements.Closed) []byte
	// line appends a ledger line with a line break. hash is the beginning of its hash.
	line func(b []byte, s *statements.Statement, index int64, l statements.Line, hash []byte) []byte
	tail string
	// fields returns the parts of a line as text: token, day, route, calls, records and hash.
	fields func(line []byte) ([6]string, bool)
	// signed returns the public key and the note of a file.
	signed func(io.Reader) (key, note string, err error)
}

var layouts = map[Format]layout{
	HTML:   {head: htmlHead, signed: htmlSigned},
	CSV:    {head: csvHead, line: csvLine, fields: csvFields, signed: csvSigned},
	JSON:   {head: jsonHead, line: jsonLine, tail: "]}\n", fields: jsonFields, signed: jsonSigned},
	NDJSON: {head: ndjsonHead, line: ndjsonLine, fields: jsonFields, signed: ndjsonSigned},
}

// Write writes a statement. each calls its argument for each ledger line, in order.
func Write(w io.Writer, f Format, c statements.Closed, each func(func(statements.Line) error) error) error {
	lay, ok := layouts[f]
	if !ok {
		return fmt.Errorf("write statement: unknown format %q", f)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	out.Write(lay.head(c)) // Flush returns the first error
	if lay.line != nil {
		var text, line []byte
		index := int64(0)
		err := each(func(l statements.Line) error {
			text = l.AppendText(text[:0])
			line = lay.line(line[:0], &c.Statement, index, l, hashOf(text))
			index++
			_, err := out.Write(line)
			return err
		})
		if err != nil {
			return fmt.Errorf("write statement: %w", err)
		}
	}
	out.WriteString(lay.tail)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

// hashOf returns the beginning of a line's hash, in hexadecimal. 32 bits find a changed line; the
// root of the tree proves that none was changed.
func hashOf(text []byte) []byte {
	h := tlog.RecordHash(text)
	return hex.AppendEncode(make([]byte, 0, 8), h[:4])
}

// appendData appends a ledger line as a JSON object.
func appendData(b []byte, l statements.Line, hash []byte) []byte {
	b = append(b, `{"token":"`...)
	b = hex.AppendEncode(b, l.Token[:])
	b = append(b, `","day":"`...)
	b = l.Date().AppendFormat(b, time.DateOnly)
	b = append(b, `","route":"`...)
	b = append(b, l.Route.String()...)
	b = append(b, `","calls":`...)
	b = strconv.AppendInt(b, l.Calls, 10)
	b = append(b, `,"records":`...)
	b = strconv.AppendInt(b, l.Records, 10)
	b = append(b, `,"hash":"`...)
	b = append(b, hash...)
	return append(b, `"}`...)
}

// jsonFields finds the parts of a line of JSON or NDJSON.
func jsonFields(line []byte) (f [6]string, ok bool) {
	for i, name := range []string{`"token":"`, `","day":"`, `","route":"`, `","calls":`, `,"records":`, `,"hash":"`} {
		_, rest, found := bytes.Cut(line, []byte(name))
		if !found {
			return f, false
		}
		end := bytes.IndexAny(rest, `",`)
		if end < 0 {
			return f, false
		}
		f[i], line = string(rest[:end]), rest[end:]
	}
	return f, true
}

// The JSON format.

func jsonHead(c statements.Closed) []byte {
	return fmt.Appendf(nil, "{\"key\":%s,\"note\":%s,\n\"statement\":%s,\n\"lines\":[\n", statements.CompactJSON(c.Key), statements.CompactJSON(c.Note), statements.CompactJSON(c.Statement))
}

func jsonLine(b []byte, s *statements.Statement, index int64, l statements.Line, hash []byte) []byte {
	b = appendData(b, l, hash)
	if index+1 < s.Lines {
		b = append(b, ',')
	}
	return append(b, '\n')
}

type signedData struct {
	Key  string `json:"key"`
	Note string `json:"note"`
}

func jsonSigned(r io.Reader) (key, note string, err error) {
	line, err := firstLine(r)
	if err != nil {
		return "", "", err
	}
	var of signedData
	if err := json.Unmarshal([]byte(strings.TrimSuffix(line, ",\n")+"}"), &of); err != nil {
		return "", "", errors.New("the key and the note can't be read")
	}
	return of.Key, of.Note, nil
}

// The NDJSON format: CloudEvents.

// event is a CloudEvent (CloudEvents 1.0, JSON format).
type event struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        any       `json:"data"`
}

const (
	statementType = "example.stile.statement.v1"
	usageType     = "example.stile.usage.v1"
)

func sourceOf(s *statements.Statement) string { return "stile/statements/" + s.Tenant + "/" + s.Month }

func ndjsonHead(c statements.Closed) []byte {
	data := struct {
		signedData
		Statement statements.Statement `json:"statement"`
	}{signedData{c.Key, c.Note}, c.Statement}
	e := event{"1.0", "statement", sourceOf(&c.Statement), statementType, c.Tenant, c.ClosedAt, "application/json", data}
	return []byte(statements.CompactJSON(e) + "\n")
}

func ndjsonLine(b []byte, s *statements.Statement, index int64, l statements.Line, hash []byte) []byte {
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = strconv.AppendInt(b, index+1, 10)
	b = append(b, `","source":"`...)
	b = append(b, sourceOf(s)...)
	b = append(b, `","type":"`+usageType+`","subject":"`...)
	b = append(b, s.Tenant...)
	b = append(b, `","time":"`...)
	b = l.Date().AppendFormat(b, time.RFC3339)
	b = append(b, `","datacontenttype":"application/json","data":`...)
	b = appendData(b, l, hash)
	return append(b, '}', '\n')
}

func ndjsonSigned(r io.Reader) (key, note string, err error) {
	line, err := firstLine(r)
	if err != nil {
		return "", "", err
	}
	var e struct {
		Data signedData `json:"data"`
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return "", "", errors.New("the key and the note can't be read")
	}
	return e.Data.Key, e.Data.Note, nil
}

// The CSV format.

var csvColumns = []string{"kind", "tenant", "month", "day", "route", "token", "calls", "records", "amount", "currency", "hash", "text"}

func csvHead(c statements.Closed) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(csvColumns) // a buffer does not fail
	tenant := usage.QuoteFormula(c.Tenant)
	row := func(kind, day, route string, calls, records int64, amount usage.Amount) {
		w.Write([]string{kind, tenant, c.Month, day, route, "", strconv.FormatInt(calls, 10), strconv.FormatInt(records, 10), amount.String(), c.Currency, "", ""})
	}
	w.Write([]string{"key", tenant, c.Month, "", "", "", "", "", "", "", "", c.Key})
	w.Write([]string{"note", tenant, c.Month, "", "", "", "", "", "", "", "", c.Note})
	for _, r := range c.Rows {
		row("row", r.Day, r.Route, r.Calls, r.Records, r.Amount)
	}
	row("total", "", "", c.Calls, c.Records, c.Amount)
	w.Flush()
	return b.Bytes()
}

func csvLine(b []byte, s *statements.Statement, _ int64, l statements.Line, hash []byte) []byte {
	b = append(b, "line,"...)
	b = append(b, usage.QuoteFormula(s.Tenant)...) // a client_id has no comma and no quote
	b = append(b, ',')
	b = append(b, s.Month...)
	b = append(b, ',')
	b = l.Date().AppendFormat(b, time.DateOnly)
	b = append(b, ',')
	b = append(b, l.Route.String()...)
	b = append(b, ',')
	b = hex.AppendEncode(b, l.Token[:])
	b = append(b, ',')
	b = strconv.AppendInt(b, l.Calls, 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, l.Records, 10)
	b = append(b, ",,,"...)
	b = append(b, hash...)
	return append(b, ',', '\n')
}

func csvFields(line []byte) (f [6]string, ok bool) {
	cells := strings.Split(strings.TrimSuffix(string(line), "\n"), ",")
	if len(cells) != len(csvColumns) || cells[0] != "line" {
		return f, false
	}
	return [6]string{cells[5], cells[3], cells[4], cells[6], cells[7], cells[10]}, true
}

func csvSigned(r io.Reader) (key, note string, err error) {
	c := csv.NewReader(io.LimitReader(r, maxHead))
	c.FieldsPerRecord = -1
	for {
		record, err := c.Read()
		switch {
		case err != nil || len(record) != len(csvColumns):
			return "", "", errors.New("the key and the note can't be read")
		case record[0] == "key":
			key = record[len(record)-1]
		case record[0] == "note":
			return key, record[len(record)-1], nil
		}
	}
}

// maxHead is the maximum length of what comes before the ledger lines, in bytes: a note has 31 days
// of 4 routes, and as many prices, with 40 tiers each.
const maxHead = 1 << 20

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, maxHead)).ReadString('\n')
	if err == io.EOF {
		err = errors.New("the file ends in its first line")
	}
	return line, err
}
