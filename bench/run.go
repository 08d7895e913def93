package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/leftovers"
)

// part is a set of loads that are compared with each other. Its servers run only while it is
// measured.
type part struct {
	name, about string
	title       string // of its table
	start       func(*bench) ([]*kind, error)
	after       func(*bench, []*kind) error // what is measured when the rounds are over; may be nil
}

// parts are all parts, in the order in which they are measured.
var parts = []part{
	{"item", "one item: bare handlers, JSONP, JSON, disk, key proofs", "One item", items, nil},
	{"list", "a list of 20 items", "A list of 20 items", lists, nil},
	{"search", "searches that repeat", "Searches that repeat", searches, nil},
	{"suggest", "suggestions", "Suggestions", suggestions, nil},
	{"stores", "PostgreSQL alone, Valkey, nodes behind HAProxy", "Several nodes and their stores", stores, nil},
	{"conns", "1, 64 and 1,000 connections", "Connections", connections, nil},
	{"tokens", "2,000 to a million tokens; memory and start with them", "Tokens, called at random", manyTokens, startsAndMemory},
	{"open", "response times at 2,000 and 5,000 calls a second", "Response times at a constant rate", openLoop, nil},
	{"wrk", "one item, by the load generator wrk", "One item, by wrk", byWrk, nil},
	{"peers", "other programs that check tokens and limit rates", "Other programs", peers, nil},
}

func partNames() (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// kind is one kind of load. It is measured in each round.
type kind struct {
	key     string // PART/NAME, which goals and plots refer to
	name    string
	base    *kind    // to which its ratio is computed; nil: it is a base itself
	isOther bool     // it is not stile
	noTail  bool     // p99.9 is not known
	subject *subject // whose usage counts the calls; nil: none
	measure func() (load.Result, error)
	results []load.Result
}

// bench is a run.
type bench struct {
	options
	dir     string // temporary
	binary  string // of stile
	rate    int    // of calls, in a second; 0: as fast as responses arrive
	servers int    // that were started, for the names of directories
	report  report
	undo    []func() // of the part
	current []*subject
}

// run measures all parts, and prints their tables and the goals. If a part fails, the others are
// measured nevertheless.
func (o options) run() (err error) {
	b := &bench{options: o, report: report{options: o, began: time.Now(), facts: map[string]float64{}}}
	if b.dir, err = os.MkdirTemp("", "stile-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err = leftovers.Remove(b.dir); err != nil {
		return err
	}
	warnIfBusy()
	fmt.Println("building the program; the first time, this takes minutes")
	if b.binary, err = stiletest.Build(b.dir); err != nil {
		return err
	}
	var errs []error
	for _, p := range parts {
		if !slices.Contains(o.only, p.name) {
			continue
		}
		if err := b.measure(p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
			b.fail(err)
		}
	}
	b.report.took = time.Since(b.report.began)
	fmt.Println()
	errs = append(errs, b.report.printGoals(os.Stdout))
	if o.write != "" {
		errs = append(errs, b.report.writeTo(o.write))
	}
	return errors.Join(errs...)
}

// warnIfBusy says that other programs are in the figures.
func warnIfBusy() {
	text, _ := os.ReadFile("/proc/loadavg")
	if load := loadOf(string(text)); load > float64(runtime.NumCPU()) {
		fmt.Printf("WARNING: this machine has other work (a load of %.0f), so the figures will not be reliable\n", load)
	}
}

// loadOf reads the average load of the last minute; 0 if it is not known.
func loadOf(text string) float64 {
	minute, _, _ := strings.Cut(text, " ")
	load, _ := strconv.ParseFloat(minute, 64)
	return load
}

// fail removes the results of the part that failed, which are incomplete.
func (b *bench) fail(err error) {
	s := b.report.sections[len(b.report.sections)-1]
	*s = section{name: s.name, title: s.title}
	b.skip("it failed: %.300s", err.Error())
}

// measure starts a part's servers, measures its rounds, checks the usage and stops the servers.
func (b *bench) measure(p part) error {
	fmt.Printf("== %s: %s\n", p.name, p.title)
	s := &section{name: p.name, title: p.title}
	b.report.sections = append(b.report.sections, s)
	defer b.stop()
	kinds, err := b.start(p)
	if err != nil {
		return err
	}
	if s.kinds = kinds; len(kinds) == 0 {
		return nil
	}
	if err := b.measureRounds(kinds); err != nil {
		return err
	}
	if p.after != nil {
		if err := p.after(b, kinds); err != nil {
			return err
		}
	}
	fmt.Println()
	if err := s.print(os.Stdout); err != nil {
		return err
	}
	for _, subject := range b.current {
		if err := subject.checkUsage(); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

// start starts what a part measures. An engine that does not start panics, as in a test.
func (b *bench) start(p part) (kinds []*kind, err error) {
	defer func() {
		switch failed := recover().(type) {
		case nil:
		case engineError:
			err = failed
		default:
			panic(failed)
		}
	}()
	return p.start(b)
}

func (b *bench) measureRounds(kinds []*kind) error {
	for n := range b.rounds {
		for _, k := range kinds {
			r, err := k.measure()
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			fmt.Printf("round %d  %-40s %7.0f/s, p99 %v, CPU %.1f µs, of the load %.1f µs\n", n+1, k.name, r.PerSecond(),
				r.Latencies.Percentile(.99).Round(10*time.Microsecond), r.CPUPerCall(), r.OwnCPUPerCall())
			k.results = append(k.results, r)
			if k.subject != nil {
				k.subject.answered += r.Calls
			}
		}
	}
	return nil
}

// skip notes in the part's section, and on the screen, what is not measured and how to get it.
func (b *bench) skip(format string, args ...any) {
	s := b.report.sections[len(b.report.sections)-1]
	s.missing = append(s.missing, fmt.Sprintf(format, args...))
	fmt.Println("NOT MEASURED:", s.missing[len(s.missing)-1])
}

// later calls fn when the part is over.
func (b *bench) later(fn func()) { b.undo = append(b.undo, fn) }

// stop ends what the part has started, the last first.
func (b *bench) stop() {
	for _, fn := range slices.Backward(b.undo) {
		fn()
	}
	b.undo, b.current = nil, nil
}

// newDir returns a new directory for a server.
func (b *bench) newDir() (string, error) {
	b.servers++
	dir := filepath.Join(b.dir, fmt.Sprint(b.servers))
	return dir, os.Mkdir(dir, 0o700)
}
