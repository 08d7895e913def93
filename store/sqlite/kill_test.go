package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// victimOf is a variable that names a database. If it is set, the test binary makes calls on it as
// 32 clients would, and binds tokens to addresses as 8 would, until it is killed.
const victimOf = "STILE_TEST_VICTIM_OF"

func TestMain(m *testing.M) {
	if file := os.Getenv(victimOf); file != "" {
		fmt.Fprintln(os.Stderr, victim(file))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const (
	victimTokens  = 200
	victimClients = 32
	victimAddrs   = 1500
	victimBinders = 8
)

var (
	victimPolicy  = tokens.Policy{Calls: 3000, Records: 1 << 30, BindWithin: time.Hour, SpikeCalls: 1 << 30, SpikePer: time.Minute}
	victimTime    = time.Unix(1_790_000_000, 0)
	addressPolicy = addresses.Policy{Bindings: 3, Per: time.Hour, Then: addresses.ThenBlock, Block: []time.Duration{time.Hour}}
)

// victim prints each result in one write, after the call has returned: the token and the address
// that the call came from, or the address that was bound and until when it is blocked.
func victim(file string) error {
	opt := options()
	opt.flushBytes = 100 << 10 // so that most kills happen in the middle of a flush
	db, err := Open(context.Background(), file, opt)
	if err != nil {
		return err
	}
	book, err := addresses.OpenRegistry(context.Background(), db, addressPolicy)
	if err != nil {
		return err
	}
	g := &tokens.Gate{Store: db}
	faults := make(chan error)
	for range victimBinders {
		go func() {
			for {
				n := rand.IntN(victimAddrs)
				v, err := book.Apply(context.Background(), benchAddr(int64(n)).Range.Addr(), 1, victimTime, addresses.Bind{At: victimTime})
				if err != nil {
					faults <- err
				}
				fmt.Printf("bind %d %d\n", n, v.State.Until)
			}
		}()
	}
	for range victimClients {
		go func() {
			for {
				n, from := rand.IntN(victimTokens), 0
				if rand.IntN(500) == 0 {
					from = 1 // another caller, which kills the token or is the first
				}
				v, err := g.Apply(context.Background(), benchID(int64(n)), victimPolicy, victimCall(from))
				if err != nil {
					faults <- err
				}
				if v.Outcome == tokens.Admit {
					fmt.Printf("call %d %d\n", n, from)
				}
			}
		}()
	}
	return <-faults
}

func victimCall(from int) *tokens.Call {
	at := victimTime
	return &tokens.Call{At: at, Tenant: 1, IssuedAt: at, Expires: at.Add(24 * time.Hour), From: netip.AddrFrom4([4]byte{192, 0, 2, byte(from)}),
		Address: tokens.AddressVerdict{Known: true}}
}

// TestR1R2_KillLosesNothing kills a process under load, repeatedly with the same file. No answered
// call is missing, no binding changes, no token exceeds its limit, dead tokens stay dead, and
// blocked addresses stay blocked.
func TestR1R2_KillLosesNothing(t *testing.T) {
	file := newFile(t)
	var seen witness
	for round := range 12 {
		seen.round(t, file, 500+400*round)
		seen.check(t, file)
	}
	t.Logf("%d answered calls, %d counted; %d addresses blocked", seen.answered(), seen.counted, len(seen.blocked))
	if len(seen.blocked) == 0 {
		t.Error("no address was blocked")
	}
}

// witness is the results that were printed before the kills.
type witness struct {
	calls   [victimTokens]uint32
	from    [victimTokens]map[int]bool
	dead    [victimTokens]bool
	bound   [victimAddrs]uint16
	blocked map[int]int64 // until
	counted uint32
	rounds  uint32
}

// round starts a victim and kills it after some results.
func (w *witness) round(t *testing.T, file string, answers int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), victimOf+"="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == answers {
			cmd.Process.Kill()
		}
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // all results from before the kill were read
		}
		var what string
		var n, m int
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &what, &n, &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if what == "bind" {
			w.sawBinding(n, int64(m))
		} else {
			w.saw(n, m)
		}
	}
	cmd.Wait()
	w.rounds++
}

func (w *witness) saw(token, from int) {
	if w.from[token] == nil {
		w.from[token] = map[int]bool{}
	}
	w.calls[token]++
	w.from[token][from] = true
}

func (w *witness) sawBinding(addr int, until int64) {
	if w.blocked == nil {
		w.blocked = map[int]int64{}
	}
	if until != 0 {
		w.blocked[addr] = until
	} else {
		w.bound[addr]++
	}
}

func (w *witness) answered() (n uint32) {
	for _, c := range w.calls {
		n += c
	}
	return n
}

// check opens the file and compares.
func (w *witness) check(t *testing.T, file string) {
	t.Helper()
	db, err := Open(t.Context(), file, options())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w.checkAddresses(t, db)
	w.counted = 0
	for n := range w.calls {
		s, err := (&tokens.Gate{Store: db}).State(t.Context(), benchID(int64(n)))
		if err != nil {
			t.Fatal(err)
		}
		calls := s.Used.Total().Calls
		w.counted += calls
		if calls < w.calls[n] || calls > victimPolicy.Calls {
			t.Fatalf("token %d: %d calls counted, %d answered", n, calls, w.calls[n])
		}
		if len(w.from[n]) > 1 || (w.dead[n] && s.Dead == tokens.None) {
			t.Fatalf("token %d: answered to addresses %v, dead of %q", n, w.from[n], s.Dead)
		}
		w.dead[n] = s.Dead != tokens.None
	}
	w.checkUsage(t, db)
	if inFlight := w.counted - w.answered(); inFlight > w.rounds*victimClients {
		t.Fatalf("%d calls counted that were not answered", inFlight)
	}
}

// checkUsage compares the usage that is reported with what the states count.
func (w *witness) checkUsage(t *testing.T, db *DB) {
	t.Helper()
	for _, read := range []func() ([]usage.Line, error){
		func() ([]usage.Line, error) { return db.Usage(t.Context(), "", "", "") },
		func() ([]usage.Line, error) { return db.Recount(t.Context()) },
	} {
		lines, err := read()
		if err != nil {
			t.Fatal(err)
		}
		var calls int64
		for _, l := range lines {
			calls += l.Calls
		}
		if calls != int64(w.counted) {
			t.Fatalf("usage says %d calls, and the states count %d", calls, w.counted)
		}
	}
}

// checkAddresses compares the addresses: no binding that was answered is missing, and a block lasts
// until its end.
func (w *witness) checkAddresses(t *testing.T, db *DB) {
	t.Helper()
	book, err := addresses.OpenRegistry(t.Context(), db, addressPolicy)
	if err != nil {
		t.Fatal(err)
	}
	states := map[addresses.Scope]addresses.State{}
	if err := db.EachAddress(t.Context(), func(a addresses.Scope, s addresses.State) { states[a] = s }); err != nil {
		t.Fatal(err)
	}
	for n, bound := range w.bound {
		a := benchAddr(int64(n))
		s, kept := states[a]
		counted := uint16(0)
		for _, c := range s.Counts {
			counted += c.Bound
		}
		if s.Until == 0 && counted < bound || bound > addressPolicy.Bindings || bound > 0 && !kept {
			t.Fatalf("%v: %d bindings answered, %+v", a, bound, s)
		}
		until, blocked := book.BlockedByRule(a.Range.Addr(), 1, victimTime)
		if was := w.blocked[n]; was != 0 && (!blocked || until != was) {
			t.Fatalf("%v was blocked until %d, and now: %v, %d", a, was, blocked, until)
		}
		if _, blocked := book.BlockedByRule(a.Range.Addr(), 1, victimTime.Add(time.Hour)); blocked {
			t.Fatalf("%v: the block does not end", a)
		}
	}
}
