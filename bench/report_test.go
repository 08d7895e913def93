package main

import (
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// sample returns a report of some parts. stile has 0.75 of bare Echo's rate, and 3.5 times that of
// HAProxy.
func sample() *report {
	add := func(key, name string, base *kind, rates ...int) *kind {
		k := &kind{key: key, name: name, base: base}
		for i, rate := range rates {
			k.results = append(k.results, result(rate, float64(i+1)))
		}
		return k
	}
	echo := add("item/echo", "bare Echo", nil, 40_000, 20_000, 30_000)
	open := add("open/5000/echo", "bare Echo, 5,000 calls/s", nil, 5000, 5000, 5000)
	slow := add("open/5000/stile", "stile, 5,000 calls/s", open, 5000, 5000, 5000)
	for i := range slow.results {
		slow.results[i] = result(5000, float64(i+1)+0.5)
	}
	peer := add("peers/echo", "bare Echo", nil, 40_000)
	peer.noTail = true
	one := add("conns/1/echo", "bare Echo, connections: 1", nil, 20_000)
	return &report{options: standard(), began: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), took: time.Minute,
		facts: map[string]float64{"bytes a token": 251, "start after SIGTERM": 300},
		sections: []*section{
			{name: "item", title: "One item", kinds: []*kind{echo, add("item/jsonp", "stile, JSONP", echo, 30_000, 16_000, 21_000)}},
			{name: "conns", title: "Connections", kinds: []*kind{one, add("conns/1/stile", "stile, connections: 1", one, 10_000)}},
			{name: "open", title: "Response times", kinds: []*kind{open, slow}},
			{name: "peers", title: "Other programs", kinds: []*kind{peer, add("peers/stile", "stile", peer, 35_000), add("peers/haproxy", "HAProxy <2.6>", peer, 10_000)},
				missing: []string{"Caddy: caddy is missing"}},
		}}
}

// TestGoals checks the results and verdicts of the goals: a ratio is that of rates in the same
// round.
func TestGoals(t *testing.T) {
	want := map[string][2]string{
		"one item, durable, as a share of bare Echo":      {"0.75", "missed by 7 %"},
		"the same, by wrk":                                {"–", "not measured"},
		"memory of a live token":                          {"251 bytes", "missed by 1 %"},
		"start with the most tokens":                      {"300 ms", "met"},
		"p99 added to bare Echo at 5,000 calls a second":  {"0.50 ms", "met"},
		"one item, as a multiple of HAProxy":              {"3.5", "met"},
		"one item, as a multiple of Fastify with a cache": {"–", "not measured"},
	}
	found := 0
	for _, row := range sample().goalTable(partNames())[1:] {
		if w, ok := want[row[0]]; ok {
			found++
			if row[2] != w[0] || row[3] != w[1] {
				t.Errorf("%s: %s, %s; want %s, %s", row[0], row[2], row[3], w[0], w[1])
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d of %d goals are in the table", found, len(want))
	}
	if empty := (&report{}).goalTable(partNames()); len(empty) != len(goals)+1 || empty[1][3] != "not measured" {
		t.Errorf("without results: %v", empty)
	}
}

// TestGoalsAreMeasured checks that each goal belongs to a part.
func TestGoalsAreMeasured(t *testing.T) {
	names := strings.Join(partNames(), " ") + " "
	for _, g := range goals {
		if !strings.Contains(names, g.part+" ") || g.want <= 0 {
			t.Errorf("%s: part %q, wants %v", g.text, g.part, g.want)
		}
		if g.value == nil && (!strings.HasPrefix(g.of, g.part+"/") || !strings.HasPrefix(g.to, g.part+"/")) {
			t.Errorf("%s compares %q with %q", g.text, g.of, g.to)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		all  []float64
		want float64
	}{{[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}, {[]float64{7}, 7}} {
		if got := median(tt.all); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.all, got, tt.want)
		}
	}
	if !math.IsNaN(median(nil)) {
		t.Error("the median of nothing is a number")
	}
}

// TestWrite checks that the results replace those between the marks, and nothing else, and that the
// plots are well-formed and have a goal where one is.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "performance.md")
	if err := os.WriteFile(file, []byte("# Before\n\n"+firstMark+"\nold\n"+lastMark+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().writeTo(dir); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	for _, part := range []string{"# Before\n\n" + firstMark, lastMark + "\nafter\n", "Measured on 28 November 2026", "![One item](performance-item.svg)",
		"| stile, JSONP | 21,000 | 0.75 | 0.70 to 0.80 |", "| stile, 5,000 calls/s | 5,000 | 0.50 ms |",
		"| 1.00 ms | 1.00 ms | – | 0.5 µs |", "Not measured: Caddy: caddy is missing."} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the earlier results are still there")
	}
	for name, mark := range map[string]string{"performance-item.svg": "goal", "performance-open.svg": "p99 2.50 (goal 2.7)", "performance-conns.svg": "stile", "performance-peers.svg": "HAProxy &lt;2.6&gt;"} {
		svg, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(svg), mark) {
			t.Errorf("%s: %v, without %q", name, err, mark)
		}
		checkXML(t, string(svg))
	}
}

// TestPage checks that the page has its marks, so that the results can be written.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../docs/performance.md")
	first, last := strings.Index(string(text), firstMark), strings.Index(string(text), lastMark)
	if err != nil || first < 0 || last < first {
		t.Errorf("marks at %d and %d, %v", first, last, err)
	}
	for _, p := range parts {
		if !strings.Contains(string(text), "-only "+p.name+"`") {
			t.Errorf("the page has no results of the part %s", p.name)
		}
	}
}

func TestWrap(t *testing.T) {
	var b strings.Builder
	wrap(&b, strings.Repeat("twelve long ", 20)+"µs")
	for line := range strings.Lines(b.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 || n < 80 && !strings.HasSuffix(line, "µs\n") || strings.HasSuffix(line, " \n") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if words := strings.Fields(b.String()); len(words) != 41 {
		t.Errorf("%d words", len(words))
	}
}

func TestWriteNeedsMarks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "performance.md"), []byte(lastMark+firstMark), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().writeTo(dir); err == nil || !strings.Contains(err.Error(), "must have the lines") {
		t.Errorf("%v", err)
	}
}

func checkXML(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

// TestWriteIsCheckedFirst checks that a run whose results can't be written does not begin.
func TestWriteIsCheckedFirst(t *testing.T) {
	empty, marked := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(marked, "performance.md"), []byte(firstMark+lastMark), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"-write " + empty, "-write: open " + empty + "/performance.md: no such file"},
		{"-write " + marked, ""},
		{"-write " + marked + " -only item", "must be without -only and -quick"},
		{"-quick -write " + marked, "must be without -only and -quick"},
	} {
		if _, err := parse(strings.Fields(tt.args), io.Discard); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.args, err, tt.want)
		}
	}
}

// TestConditions checks that the page has the flags of the run, and that the terminal shows the
// goals of the parts that were chosen.
func TestConditions(t *testing.T) {
	r := sample()
	r.options.rounds, r.options.duration, r.options.only = 1, ms(1500), []string{"open"}
	for _, part := range []string{"One round of 1.5 s", "`go run ./bench -rounds 1 -seconds 1.5 -only item`"} {
		if !strings.Contains(r.document(), part) {
			t.Errorf("%q is missing in:\n%s", part, r.document())
		}
	}
	var out strings.Builder
	if err := r.printGoals(&out); err != nil || !strings.Contains(out.String(), "p99 added") || strings.Contains(out.String(), "Fastify") {
		t.Errorf("%v\n%s", err, &out)
	}
}

func TestLoadOf(t *testing.T) {
	for text, want := range map[string]float64{"29.97 29.37 29.13 3/514 30841\n": 29.97, "": 0} {
		if got := loadOf(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestFlags checks how flags are read. Those next to -quick override it.
func TestFlags(t *testing.T) {
	o, err := parse(strings.Fields("-rounds 9 -quick -seconds 0.5"), io.Discard)
	if err != nil || o.rounds != 9 || o.duration != ms(500) || strings.Join(o.only, " ") != "item list search suggest open" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err = parse(nil, io.Discard); err != nil || len(o.only) != len(parts) || o.many != [2]int{200_000, 1_000_000} {
		t.Errorf("%+v, %v", o, err)
	}
	for args, want := range map[string]string{"-only lists": `-only "lists": must be a list of item`, "-rounds 0": "must be positive", "item": `unknown argument "item"`,
		"-rounds x": "invalid value \"x\" for flag -rounds: parse error: run it with -help", "-tokens 100": "-tokens must be at least", "-many 2000": "-many five times", "-conns 9000000 -tokens 9000000 -many 45000000": "the limit of open files is"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	var out strings.Builder
	parse([]string{"-help"}, &out)
	for _, p := range parts {
		if !strings.Contains(out.String(), "  "+p.name+" ") {
			t.Errorf("the help does not name the part %s", p.name)
		}
	}
}
