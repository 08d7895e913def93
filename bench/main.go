// Command bench measures what protection costs, and prints the goals next to the results. It
// compares the real server with a bare Echo handler that sends the same body, in the same run: one
// item, lists, search, suggestions; JSONP and JSON; tokens bound to addresses and to keys; SQLite,
// PostgreSQL, Valkey; few and many connections and tokens; and other programs that check tokens and
// limit rates. The absolute figures depend on the machine; the ratios do so much less.
//
// The load comes from this process over loopback ([load]). Each server and each engine is a process
// of its own, on the same machine. Bench checks each body, since the status of a refusal over JSONP
// is 200 too. At the end of each part it checks that the usage shows exactly the calls that were
// answered.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the conditions of a run.
type options struct {
	only     []string
	rounds   int
	duration time.Duration
	conns    int
	tokens   int
	many     [2]int // tokens of the part `tokens`
	write    string
}

// standard is a run without flags.
func standard() options {
	return options{only: partNames(), rounds: 5, duration: 3 * time.Second, conns: 64, tokens: 2000, many: [2]int{200_000, 1_000_000}}
}

// quick makes a run as short as one minute.
func (o options) quick() options {
	o.only, o.rounds, o.duration = strings.Split("item,list,search,suggest,open", ","), 3, 500*time.Millisecond
	return o
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == bareFlag {
		fatal(serveBare(os.Args[2]))
	}
	o, err := parse(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	fatal(err)
	fatal(o.run())
}

// parse reads the flags. With -help it writes the help, and returns [flag.ErrHelp].
func parse(args []string, out io.Writer) (options, error) {
	o, wantsQuick, few := standard(), false, false
	for _, a := range args { // the flags next to -quick override what it sets
		wantsQuick = wantsQuick || strings.TrimLeft(a, "-") == "quick"
	}
	if wantsQuick {
		o = o.quick()
	}
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(io.Discard) // Parse would write the whole help after each error
	only := set.String("only", strings.Join(o.only, ","), "measure only these `parts`, separated by commas")
	set.IntVar(&o.rounds, "rounds", o.rounds, "`number` of measurements of each kind, in turn")
	seconds := set.Float64("seconds", o.duration.Seconds(), "length of one measurement, in `seconds`")
	set.IntVar(&o.conns, "conns", o.conns, "`number` of connections")
	set.IntVar(&o.tokens, "tokens", o.tokens, "`number` of tokens that share the calls")
	set.IntVar(&o.many[1], "many", o.many[1], "highest `number` of tokens in the part tokens; a fifth of it is measured too")
	set.StringVar(&o.write, "write", "", "measure all parts, and replace the results in performance.md and the plots next to it in this `directory`")
	set.BoolVar(&few, "quick", false, "measure for one minute")
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		set.SetOutput(out)
		fmt.Fprint(out, help())
		set.PrintDefaults()
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w: run it with -help for the flags", err)
	}
	o.only, o.duration, o.many[0] = strings.Split(*only, ","), time.Duration(*seconds*float64(time.Second)), o.many[1]/5
	return o, o.check(set.Args())
}

func (o options) check(rest []string) error {
	for _, name := range o.only {
		if !slices.Contains(partNames(), name) {
			return fmt.Errorf("-only %q: must be a list of %s, separated by commas", name, strings.Join(partNames(), ", "))
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unknown argument %q: run it with -help for the flags", rest[0])
	case o.rounds < 1 || o.conns < 1 || o.duration <= 0:
		return errors.New("-rounds, -conns and -seconds must be positive")
	case o.tokens < max(o.conns, widest) || o.many[0] < o.tokens:
		return fmt.Errorf("-tokens must be at least %d and -conns, and -many five times -tokens", widest)
	case uint64(o.conns)+otherFiles > openFiles():
		return fmt.Errorf("-conns must be at most %d: the limit of open files is %d (ulimit -n)", max(openFiles(), otherFiles)-otherFiles, openFiles())
	case o.write == "":
		return nil
	case len(o.only) < len(parts):
		return errors.New("-write replaces the results of all parts, so it must be without -only and -quick")
	}
	return checkPage(o.write)
}

// otherFiles is enough for the files that a server opens besides its connections.
const otherFiles = 200

// openFiles returns how many files a process may open. Servers have the same limit.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt64
	}
	return limit.Cur
}

// flags returns the flags that are not the standard ones, but for the parts.
func (o options) flags() (text string) {
	std := standard()
	if o.rounds != std.rounds {
		text += fmt.Sprintf(" -rounds %d", o.rounds)
	}
	if o.duration != std.duration {
		text += fmt.Sprintf(" -seconds %v", o.duration.Seconds())
	}
	if o.conns != std.conns {
		text += fmt.Sprintf(" -conns %d", o.conns)
	}
	if o.tokens != std.tokens {
		text += fmt.Sprintf(" -tokens %d", o.tokens)
	}
	if o.many != std.many {
		text += fmt.Sprintf(" -many %d", o.many[1])
	}
	return text
}

// help returns the text above the flags.
func help() string {
	var b strings.Builder
	b.WriteString(`Measure what protection costs, and print the goals next to the results.

Each part starts its servers, measures them in turn for some rounds, and stops
them. A ratio is that to a bare Echo handler with the same body, measured
seconds before. The table has medians, and the lowest and highest ratio.

Usage:
  go run ./bench [flags]

Examples:
  go run ./bench
  go run ./bench -quick
  go run ./bench -only item,search -rounds 9 -seconds 5
  go run ./bench -write docs

Parts:
`)
	for _, p := range parts {
		fmt.Fprintf(&b, "  %-8s %s\n", p.name, p.about)
	}
	b.WriteString(`
If another program is missing, it is not measured, and a line says how to get
it. Nothing else should run meanwhile: the machine's other work is in the
figures.

Flags:
`)
	return b.String()
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
