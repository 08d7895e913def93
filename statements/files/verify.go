package files

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"stile.example/stile/statements"
)

// Options says what a file is compared with.
type Options struct {
	// Keys has the publisher's public keys. None: the key in the file is used, which proves only
	// that the file is in itself consistent, since anyone can make a key.
	Keys []string
	// Previous is the hash of the statement before, in hexadecimal; "": it is not compared.
	Previous string
}

// Problem is something that is wrong in a file.
type Problem struct {
	Line int64  `json:"line"` // of the file, from 1; 0: of no line
	Text string `json:"text"`
}

// Report is the result of verifying a file.
type Report struct {
	Format    Format
	Statement statements.Statement // if the note could be read
	Hash      string               // of its text
	Key       string               // that verifies the signature
	Lines     int64                // ledger lines that were compared
	Problems  []Problem            // none: all is right
}

// maxProblems is how many problems are reported. One flipped bit makes two or three, and a file of
// another statement millions.
const maxProblems = 20

// IsProof reports whether a file is a proof of a line.
func IsProof(head []byte) bool { return bytes.HasPrefix(head, []byte("stile proof ")) }

// Verify checks a file. An error says that it can't be read at all.
func Verify(file io.ReadSeeker, o Options) (Report, error) {
	c, f, err := ReadNote(file, o.Keys)
	if err != nil {
		var wrong *noteError
		if errors.As(err, &wrong) {
			line, fault := noteLine(file)
			return Report{Format: f, Problems: []Problem{{line, err.Error()}}}, fault
		}
		return Report{}, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return Report{}, err
	}
	v := &verification{layout: layouts[f], closed: c, in: bufio.NewReaderSize(file, 1<<16),
		report: Report{Format: f, Statement: c.Statement, Hash: c.Hash, Key: c.Key}}
	if err := v.run(o); err != nil {
		return Report{}, err
	}
	return v.report, nil
}

// noteLine returns the number of the line in which a file's note begins, or 1.
func noteLine(file io.ReadSeeker) (int64, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	head, err := io.ReadAll(io.LimitReader(file, maxHead))
	before, _, found := bytes.Cut(head, []byte("stile statement "))
	if !found {
		return 1, err
	}
	return 1 + int64(bytes.Count(before, []byte("\n"))), err
}

// noteError says what is wrong with a file's note.
type noteError struct{ err error }

func (e *noteError) Error() string { return "the signed note: " + e.err.Error() }
func (e *noteError) Unwrap() error { return e.err }

// ReadNote returns the statement that a file's note contains, if one of the keys has signed it.
// Without keys, that of the file is used.
func ReadNote(file io.ReadSeeker, keys []string) (c statements.Closed, f Format, err error) {
	head := make([]byte, 64)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return c, "", err
	}
	if f, err = formatOf(head[:n]); err != nil {
		return c, "", err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return c, "", err
	}
	key, signed, err := layouts[f].signed(file)
	if err != nil {
		return c, f, &noteError{err}
	}
	if len(keys) == 0 {
		keys = []string{key}
	}
	for _, k := range keys {
		var text string
		if text, err = statements.Open(signed, k); err == nil {
			c = statements.Closed{Note: signed, Key: k, Hash: statements.Hash(text)}
			if c.Statement, err = statements.ParseText(text); err == nil {
				return c, f, nil
			}
			return c, f, &noteError{err}
		}
	}
	return c, f, &noteError{err}
}

func formatOf(head []byte) (Format, error) {
	for f, begin := range map[Format]string{HTML: "<!doctype html>", CSV: "kind,tenant,", JSON: `{"key":`, NDJSON: `{"specversion":`} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return f, nil
		}
	}
	return "", errors.New("is not a statement as `stile statement export` writes it: the beginning is neither html, csv, json nor ndjson")
}

// verification is the state of verifying a file.
type verification struct {
	layout layout
	closed statements.Closed
	in     *bufio.Reader
	number int64 // of the line of the file that was read last
	report Report
	more   int // problems that are not reported
}

func (v *verification) problem(line int64, format string, args ...any) {
	if len(v.report.Problems) == maxProblems {
		v.more++
		return
	}
	v.report.Problems = append(v.report.Problems, Problem{line, fmt.Sprintf(format, args...)})
}

// run checks everything, and returns an error if the file can't be read.
func (v *verification) run(o Options) error {
	if err := v.compare(v.layout.head(v.closed)); err != nil {
		return err
	}
	if v.layout.line != nil {
		if err := v.checkLines(); err != nil {
			return err
		}
	}
	if err := v.compare([]byte(v.layout.tail)); err != nil {
		return err
	}
	if extra, err := v.next(); err != nil {
		return err
	} else if extra != nil {
		v.problem(v.number, "the statement has ended, but the file has not")
	}
	v.checkAmounts()
	if o.Previous != "" && o.Previous != v.closed.Previous {
		v.problem(0, "the statement does not follow the given one: it follows %s, and the given one is %s", cmp.Or(v.closed.Previous, "none"), o.Previous)
	}
	if v.more > 0 {
		v.report.Problems = append(v.report.Problems, Problem{0, fmt.Sprintf("%d more problems", v.more)})
	}
	return nil
}

// next returns the next line of the file with its line break, nil at the end.
func (v *verification) next() ([]byte, error) {
	line, err := v.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		whole := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(whole) < maxHead {
			line, err = v.in.ReadSlice('\n')
			whole = append(whole, line...)
		}
		line = whole
	}
	if err == io.EOF {
		err = nil
		if len(line) == 0 {
			return nil, nil
		}
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("line %d: is longer than %d bytes", v.number+1, maxHead)
	}
	v.number++
	return line, err
}

// compare reads the lines of a text that must be in the file.
func (v *verification) compare(want []byte) error {
	for line := range bytes.Lines(want) {
		got, err := v.next()
		if err != nil {
			return err
		}
		if got == nil {
			v.problem(v.number, "the file ends here, but the statement does not")
			return nil
		}
		if !bytes.Equal(got, line) {
			v.problem(v.number, "differs from what the signed note says: it is %s, and must be %s", excerpt(got, line), excerpt(line, got))
		}
	}
	return nil
}

// excerpt returns the part of a line where it begins to differ from another one.
func excerpt(line, other []byte) string {
	i := 0
	for i < len(line) && i < len(other) && line[i] == other[i] {
		i++
	}
	from := max(0, i-20)
	return fmt.Sprintf("%q", line[from:min(len(line), i+20)])
}

// checkLines reads the ledger lines, and checks that they are those of the root and the rows.
func (v *verification) checkLines() error {
	s := &v.closed.Statement
	var tree statements.Tree
	var last statements.Line
	rows := map[statements.Row]sum{} // by day and route
	var text, want []byte
	for i := range s.Lines {
		raw, err := v.next()
		if err != nil {
			return err
		}
		if raw == nil {
			v.problem(v.number, "the file ends after %d of %d ledger lines", i, s.Lines)
			break
		}
		l, ok := v.parse(raw)
		if !ok {
			continue
		}
		text = l.AppendText(text[:0])
		want = v.layout.line(want[:0], s, i, l, hashOf(text))
		if !bytes.Equal(raw, want) {
			v.problem(v.number, "the ledger line was changed: it is %s, and with its hash it would be %s", excerpt(raw, want), excerpt(want, raw))
		}
		if i > 0 && statements.CompareLines(last, l) >= 0 {
			v.problem(v.number, "the ledger line is not in its place: lines are sorted by day, route and token")
		}
		tree.Add(l)
		last = l
		key := statements.Row{Day: l.DayText(), Route: l.Route.String()}
		of := rows[key]
		of.calls, of.records, of.line = of.calls+l.Calls, of.records+l.Records, cmp.Or(of.line, v.number)
		rows[key] = of
		v.report.Lines++
	}
	if root := tree.Root().String(); root != s.Root {
		v.problem(0, "the ledger lines are not those that were signed: their root is %s, and the signed one is %s", root, s.Root)
	}
	v.checkRows(rows)
	return nil
}

// parse reads a ledger line.
func (v *verification) parse(raw []byte) (l statements.Line, ok bool) {
	f, ok := v.layout.fields(raw)
	if !ok {
		v.problem(v.number, "is not a ledger line: %.100q", raw)
		return l, false
	}
	l, err := statements.NewLine(f[0], f[1], f[2], f[3], f[4])
	if err != nil {
		v.problem(v.number, "the ledger line can't be read: %v", err)
		return l, false
	}
	return l, true
}

// sum is what the ledger lines of a day and route add up to.
type sum struct {
	calls, records int64
	line           int64 // of the file: the first of them
}

// checkRows compares what the ledger lines add up to with the statement's rows.
func (v *verification) checkRows(sums map[statements.Row]sum) {
	for _, r := range v.closed.Rows {
		key := statements.Row{Day: r.Day, Route: r.Route}
		of := sums[key]
		delete(sums, key)
		if of.calls != r.Calls || of.records != r.Records {
			v.problem(of.line, "%s, %s: the ledger lines add up to %d calls and %d records, and the statement says %d and %d", r.Day, r.Route, of.calls, of.records, r.Calls, r.Records)
		}
	}
	for key, of := range sums {
		v.problem(of.line, "%s, %s: the ledger lines add up to %d calls and %d records, and the statement has no such row", key.Day, key.Route, of.calls, of.records)
	}
}

// checkAmounts computes the amounts again.
func (v *verification) checkAmounts() {
	s := v.closed.Statement
	again := s
	again.Rows = append([]statements.Row{}, s.Rows...)
	if err := again.Cost(); err != nil {
		v.problem(0, "the amounts can't be computed: %v", err)
		return
	}
	for i, r := range again.Rows {
		if r.Amount != s.Rows[i].Amount {
			v.problem(0, "%s, %s: the amount is %s by the statement's prices, and the statement says %s", r.Day, r.Route, r.Amount, s.Rows[i].Amount)
		}
	}
	if again.Calls != s.Calls || again.Records != s.Records || again.Amount != s.Amount {
		v.problem(0, "the rows add up to %d calls, %d records and %s, and the statement says %d, %d and %s", again.Calls, again.Records, again.Amount, s.Calls, s.Records, s.Amount)
	}
}

// VerifyProof checks a proof against the statement that a file contains.
func VerifyProof(proof string, statement io.ReadSeeker, keys []string) (statements.Proof, statements.Closed, error) {
	// it may be pasted, with other line breaks
	p, err := statements.ParseProof(strings.TrimRight(strings.ReplaceAll(proof, "\r\n", "\n"), "\n") + "\n")
	if err != nil {
		return p, statements.Closed{}, fmt.Errorf("the proof %w", err)
	}
	c, _, err := ReadNote(statement, keys)
	if err != nil {
		return p, c, err
	}
	return p, c, p.Check(c.Statement)
}
