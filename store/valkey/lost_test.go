package valkey_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/states"
	"stile.example/stile/store/valkey"
)

// TestLostReplies cuts connections in the midst of their replies, after the server has executed the
// commands. A swap whose outcome is known has that outcome, and each change is counted once: the
// numbers that the values count up end where the callers say.
func TestLostReplies(t *testing.T) {
	servers := map[string]func(testing.TB, ...string) *engines.Engine{"redis": engines.Redis, "valkey": engines.Valkey}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := engines.NewProxy(t, start(t).Addr)
			e := open(t, valkey.Options{URL: "valkey://" + p.Addr})
			p.LoseReplies(4000)
			const callers, enough = 64, 5000 // 10,000 on both servers
			var unknown, certain atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			counters := make([]counter, callers)
			for i := range counters {
				c := &counters[i]
				*c = counter{e: e, key: newKey(), unknown: &unknown, certain: &certain}
				wg.Go(func() {
					for unknown.Load() < enough && !t.Failed() {
						c.step(t)
					}
				})
			}
			wg.Wait()
			took := time.Since(began)
			p.LoseReplies(0)
			sum := 0
			for i := range counters {
				sum += counters[i].settle(t)
			}
			t.Logf("%d replies were lost in %s; %d calls certainly did not happen; %d changes", unknown.Load(), took, certain.Load(), sum)
		})
	}
}

// counter counts up the value of one key, as the only one that does.
type counter struct {
	e                *valkey.Engine
	key              states.Key
	present          string   // what it knows to be present
	attempts         []string // what may be present instead, since the outcome was unknown
	tries, counted   int
	unknown, certain *atomic.Int64
}

// step makes one attempt. Each value has a number, and a name that no other has.
func (c *counter) step(t *testing.T) {
	c.tries++
	next := fmt.Sprintf("%d %d %s", c.counted+1, c.tries, strings.Repeat("x", 100))
	s := change(c.key, c.present, next)
	if c.tries%4 == 0 {
		s.Once = states.Once{Digest: [16]byte{byte(c.tries), byte(c.tries >> 8), byte(c.tries >> 16)}, Until: inAnHour()}
	}
	was, swapped, err := c.e.Swap(t.Context(), s)
	switch {
	case errors.Is(err, states.ErrUnknown):
		c.unknown.Add(1)
		c.attempts = append(c.attempts, next)
		c.resolve(t)
	case err != nil:
		c.certain.Add(1)
	case swapped:
		c.counted++
		c.present, c.attempts = next, nil
	default:
		c.accept(t, string(was.Value))
	}
}

// resolve reads what is present after an unknown outcome.
func (c *counter) resolve(t *testing.T) {
	if p, err := c.e.Get(t.Context(), c.key); err == nil {
		c.accept(t, string(p.Value))
	}
}

// accept takes over what is present. It must be what was known, or one of the attempts.
func (c *counter) accept(t *testing.T, value string) {
	if value == c.present {
		return // an attempt may still happen
	}
	for _, a := range c.attempts {
		if a == value {
			c.counted++
			c.present, c.attempts = value, nil
			return
		}
	}
	t.Errorf("%.20q is present, and neither %.20q nor one of %d attempts", value, c.present, len(c.attempts))
}

// settle returns the number that is present at the end, which must be what was counted.
func (c *counter) settle(t *testing.T) int {
	p, err := c.e.Get(t.Context(), c.key)
	for deadline := time.Now().Add(5 * time.Second); err != nil && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		p, err = c.e.Get(t.Context(), c.key)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.accept(t, string(p.Value))
	number, _, _ := strings.Cut(string(p.Value), " ")
	n, _ := strconv.Atoi(number)
	if n != c.counted {
		t.Errorf("%d is present, and %d were counted", n, c.counted)
	}
	return n
}
