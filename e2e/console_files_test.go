package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// whole returns a number of a file.
func whole(t testing.TB, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Errorf("%q is not a number", text)
	}
	return n
}

// rowsOf returns the rows of a tenant, without its name, which a statement has only once.
func (n *numbers) rowsOf(tenant string) (rows []used) {
	for _, u := range n.rows {
		if u.Tenant == tenant {
			u.Tenant = ""
			rows = append(rows, u)
		}
	}
	return rows
}

// checkUsageFiles compares what `stile usage` writes in each format with its JSON.
func (s *server) checkUsageFiles(n *numbers) {
	s.t.Helper()
	read := map[string]func(string) []used{
		"table": func(text string) (rows []used) {
			for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
				if c := strings.Fields(line); c[0] != "total" {
					rows = append(rows, used{c[0], c[1], c[2], whole(n.t, c[3]), whole(n.t, c[4]), json.Number(c[5])})
				} else if got := strings.Join(c[1:], " "); got != "33 84 0.0975" {
					n.t.Errorf("the total of the table: %s", got)
				}
			}
			return rows
		},
		"csv": func(text string) (rows []used) {
			all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			s.must(err)
			for _, c := range all[1:] {
				rows = append(rows, used{c[0], c[1], c[2], whole(n.t, c[3]), whole(n.t, c[4]), json.Number(c[5])})
			}
			return rows
		},
		"ndjson": func(text string) (rows []used) {
			for line := range strings.Lines(text) {
				var u used
				s.must(json.Unmarshal([]byte(line), &u))
				rows = append(rows, u)
			}
			return rows
		},
	}
	for format, rows := range read {
		if got := rows(s.command("usage", "--format", format)); !slices.Equal(got, n.rows) {
			s.t.Errorf("as %s: %v, want %v", format, got, n.rows)
		}
	}
}

// checkStatementFiles exports a closed statement in each format. The command, the console and the
// admin API give the same file, which says what the command usage says, and can be verified.
func (s *server) checkStatementFiles(n *numbers, b *browser, token, month string) {
	s.t.Helper()
	s.write("key.txt", s.command("statement", "key"))
	read := map[string]func(string) (rows []used, total string){"json": s.statementInJSON, "csv": s.statementInCSV, "html": s.statementInHTML, "ndjson": s.statementInEvents}
	links := map[string]string{}
	for _, a := range b.get("/statements/acme/" + month).all("a") {
		if _, isFile := find(a, "download"); isFile {
			links[textOf(a)] = attribute(a, "href")
		}
	}
	for format, parse := range read {
		text := s.command("statement", "export", "acme", month, "--format", format)
		rows, total := parse(text)
		if !slices.Equal(rows, n.rowsOf("acme")) || total != "30 75 0.0675" {
			s.t.Errorf("the statement as %s: %v, %s; the command usage: %v", format, rows, total, n.rowsOf("acme"))
		}
		for _, node := range s.all() {
			if got := node.command("statement", "export", "acme", month, "--format", format); got != text {
				s.t.Errorf("%s by %s is not the same file", format, node.URL)
			}
		}
		s.write("acme."+format, text)
		s.command("usage", "verify", "acme."+format)
		if p := b.get(links[format]); p.Status != http.StatusOK || p.Text != text {
			s.t.Errorf("%s of the console, %q: %d, not the file of the command\n%.200s", format, links[format], p.Status, p.Text)
		}
		if status, _, got := s.api(token, "GET", "/statements/acme/"+month+"/export?format="+format, "", ""); status != http.StatusOK || string(got) != text {
			s.t.Errorf("%s of the admin API: %d, not the file of the command\n%.200s", format, status, got)
		}
	}
}

// signedStatement is what files of a statement have as JSON.
type signedStatement struct {
	Calls, Records, Amount json.Number
	Rows                   []used
}

func (f signedStatement) total() string { return fmt.Sprint(f.Calls, " ", f.Records, " ", f.Amount) }

func (s *server) statementInJSON(text string) ([]used, string) {
	s.t.Helper()
	var file struct{ Statement signedStatement }
	s.must(json.Unmarshal([]byte(text), &file))
	return file.Statement.Rows, file.Statement.total()
}

// statementInEvents reads the first event: the statement. The others are ledger lines, whose sums
// must be the same.
func (s *server) statementInEvents(text string) ([]used, string) {
	s.t.Helper()
	first, rest, _ := strings.Cut(text, "\n")
	var event struct {
		Data struct{ Statement signedStatement }
	}
	s.must(json.Unmarshal([]byte(first), &event))
	var calls, records int64
	for line := range strings.Lines(rest) {
		var one struct {
			Data struct{ Calls, Records int64 }
		}
		s.must(json.Unmarshal([]byte(line), &one))
		calls, records = calls+one.Data.Calls, records+one.Data.Records
	}
	if calls != 30 || records != 75 {
		s.t.Errorf("the ledger lines have %d calls and %d records", calls, records)
	}
	return event.Data.Statement.Rows, event.Data.Statement.total()
}

func (s *server) statementInCSV(text string) (rows []used, total string) {
	s.t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	s.must(err)
	var calls, records int64
	for _, c := range all[1:] {
		switch c[0] {
		case "row":
			rows = append(rows, used{"", c[3], c[4], whole(s.t, c[6]), whole(s.t, c[7]), json.Number(c[8])})
		case "total":
			total = strings.Join(c[6:9], " ")
		case "line":
			calls, records = calls+whole(s.t, c[6]), records+whole(s.t, c[7])
		}
	}
	if calls != 30 || records != 75 {
		s.t.Errorf("the ledger lines have %d calls and %d records", calls, records)
	}
	return rows, total
}

func (s *server) statementInHTML(text string) (rows []used, total string) {
	s.t.Helper()
	root, err := html.Parse(bytes.NewReader([]byte(text)))
	s.must(err)
	tables := below(root, "table")
	for _, tr := range below(tables[len(tables)-1], "tr")[1:] {
		var c []string
		for _, td := range below(tr, "td") {
			c = append(c, textOf(td))
		}
		if len(c) == 3 {
			total = strings.Join(c, " ")
		} else {
			rows = append(rows, used{"", c[0], c[1], whole(s.t, c[2]), whole(s.t, c[3]), json.Number(c[4])})
		}
	}
	return rows, total
}
