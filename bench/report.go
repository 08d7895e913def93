package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"stile.example/stile/bench/load"
)

// report is the outcome of a run.
type report struct {
	options  options
	began    time.Time
	took     time.Duration
	sections []*section
	facts    map[string]float64 // what is measured once: milliseconds, bytes
}

// section is the outcome of a part.
type section struct {
	name, title string
	kinds       []*kind
	notes       []string // sentences below the table
	missing     []string // what is not measured
}

// find returns a kind that was measured; nil: it was not.
func (r *report) find(key string) *kind {
	for _, s := range r.sections {
		for _, k := range s.kinds {
			if k.key == key && len(k.results) > 0 {
				return k
			}
		}
	}
	return nil
}

// rates returns the rate of each round.
func (k *kind) rates() []float64 { return k.each(load.Result.PerSecond) }

// cpus returns the CPU time of a call in each round, in microseconds.
func (k *kind) cpus() []float64 { return k.each(load.Result.CPUPerCall) }

// percentiles returns a percentile of each round, in milliseconds.
func (k *kind) percentiles(p float64) []float64 {
	return k.each(func(r load.Result) float64 { return r.Latencies.Percentile(p).Seconds() * 1000 })
}

func (k *kind) each(of func(load.Result) float64) (all []float64) {
	for _, r := range k.results {
		all = append(all, of(r))
	}
	return all
}

// over divides values of the same rounds.
func over(a, b []float64) (ratios []float64) {
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i]/b[i])
	}
	return ratios
}

// minus subtracts values of the same rounds.
func minus(a, b []float64) (differences []float64) {
	for i := range min(len(a), len(b)) {
		differences = append(differences, a[i]-b[i])
	}
	return differences
}

// median returns the middle of some values, or the mean of the two in the middle; NaN if there are
// none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	return (sorted[(len(all)-1)/2] + sorted[len(all)/2]) / 2
}

// table returns the part's results, with a head. A ratio is that to the base in the same round.
func (s *section) table() (rows [][]string) {
	rows = append(rows, []string{s.title, "calls/s", "ratio", "lowest to highest", "CPU a call", "CPU ratio", "p50", "p99", "p99.9", "CPU of the load"})
	if s.isOpen() {
		rows[0][2], rows[0][3] = "p99 added", "lowest to highest"
	}
	for _, k := range s.kinds {
		row := []string{k.name, thousands(median(k.rates())), "", "", fmt.Sprintf("%.1f µs", median(k.cpus())), ""}
		if k.base != nil {
			ratios, format := over(k.rates(), k.base.rates()), "%.2f"
			if s.isOpen() {
				ratios, format = minus(k.percentiles(.99), k.base.percentiles(.99)), "%.2f ms"
			}
			row[2] = fmt.Sprintf(format, median(ratios))
			row[3] = fmt.Sprintf("%.2f to %.2f", slices.Min(ratios), slices.Max(ratios))
			row[5] = fmt.Sprintf("%.2f", median(over(k.cpus(), k.base.cpus())))
		}
		for _, p := range []float64{.5, .99, .999} {
			text := "–"
			if p < .999 || !k.noTail {
				text = fmt.Sprintf("%.2f ms", median(k.percentiles(p)))
			}
			row = append(row, text)
		}
		rows = append(rows, append(row, fmt.Sprintf("%.1f µs", median(k.each(load.Result.OwnCPUPerCall)))))
	}
	return rows
}

// isOpen reports whether the part has constant rates. Its base is compared by response times.
func (s *section) isOpen() bool { return s.name == "open" }

// print prints the part's table and notes for a terminal.
func (s *section) print(w io.Writer) error { return printTable(w, s.table(), s.notes) }

// printTable prints a table, whose first row is its head, and notes for a terminal.
func printTable(w io.Writer, rows [][]string, notes []string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, row := range rows {
		text := strings.Join(row, "\t")
		if i == 0 {
			text = strings.ToUpper(text)
		}
		fmt.Fprintln(t, text)
	}
	for _, note := range notes {
		fmt.Fprintln(t, note)
	}
	return t.Flush()
}

// printGoals prints the goals for a terminal.
func (r *report) printGoals(w io.Writer) error {
	return printTable(w, r.goalTable(r.options.only), []string{"", r.conditions()})
}

// conditions says how the run was made.
func (r *report) conditions() string {
	o, rounds := r.options, "One round"
	if o.rounds > 1 {
		rounds = fmt.Sprintf("Medians of %d rounds", o.rounds)
	}
	return fmt.Sprintf("%s of %v s, %s connections and %s tokens where nothing else is said, in %v.",
		rounds, o.duration.Seconds(), thousands(o.conns), thousands(o.tokens), r.took.Round(time.Second))
}

// markdown writes a table in Markdown.
func markdown(b *strings.Builder, rows [][]string) {
	for i, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			fmt.Fprintf(b, "|%s\n", strings.Repeat(" --- |", len(row)))
		}
	}
}
