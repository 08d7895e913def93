package main

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// oneItem starts a server with SQLite and its tokens, and returns calls for one item, with the body
// that they get.
func (b *bench) oneItem() (s *subject, t *tokenSet, calls []call, body []byte, err error) {
	if s, err = b.newSubject("SQLite", nil); err != nil {
		return
	}
	if t, err = s.newTokens(b.tokens, b.conns); err != nil {
		return
	}
	calls, body, err = s.expecting(t, oneItem)
	return
}

// items compares one item: bare handlers with JSONP and JSON, forms, and proofs of keys.
func items(b *bench) ([]*kind, error) {
	s, t, jsonp, body, err := b.oneItem()
	if err != nil {
		return nil, err
	}
	json, bodyJSON, err := s.expecting(t, oneItemJSON)
	if err != nil {
		return nil, err
	}
	form, _, err := s.expecting(t, oneItemForm)
	if err != nil {
		return nil, err
	}
	plain, err := b.bareKind("item/http", "bare net/http", "http", t, jsonp, body)
	if err != nil {
		return nil, err
	}
	base, err := b.bareKind("item/echo", "bare Echo", "echo", t, jsonp, body)
	if err != nil {
		return nil, err
	}
	baseJSON, err := b.bareKind("item/echo-json", "bare Echo, JSON", "echo", t, json, bodyJSON)
	if err != nil {
		return nil, err
	}
	kinds := []*kind{plain, base, baseJSON,
		against(base, b.own("item/jsonp", "stile, JSONP", s, t, jsonp)),
		against(baseJSON, b.own("item/json", "stile, JSON", s, t, json)),
		against(baseJSON, b.own("item/form", "stile, form", s, t, form))}
	plain.base = base
	onDisk, err := b.powerCut(jsonp[0])
	if err != nil {
		return nil, err
	}
	kinds = append(kinds, against(base, onDisk))
	dpop, err := b.proofKind(s, kinds[3], s.server.PID())
	if err != nil {
		return nil, err
	}
	dpop.key, dpop.name = "item/dpop", "stile, JSONP, a DPoP proof each"
	session, err := b.sessionKind(s, kinds[3], s.server.PID())
	if err != nil {
		return nil, err
	}
	session.key, session.name = "item/session", "stile, JSONP, a session proof each"
	return append(kinds, against(base, dpop), against(base, session)), nil
}

// powerCut returns the measurement of a server whose answered calls survive a power cut.
func (b *bench) powerCut(c call) (*kind, error) {
	s, err := b.newSubject("SQLite, store_sync: full", nil, "store_sync: full")
	if err != nil {
		return nil, err
	}
	t, err := s.newTokens(b.tokens, b.conns)
	if err != nil {
		return nil, err
	}
	return b.own("item/full", "stile, JSONP, store_sync: full", s, t, []call{c}), nil
}

// against sets the base of a kind.
func against(base, k *kind) *kind {
	k.base = base
	return k
}

func lists(b *bench) ([]*kind, error) {
	return b.reads("list", "a list of 20 items", call{path: "/v1/items", query: "&sort=newest"})
}

func searches(b *bench) ([]*kind, error) {
	return b.reads("search", "searches for 20 words", queries("/v1/items")...)
}

func suggestions(b *bench) ([]*kind, error) {
	return b.reads("suggest", "suggestions for 20 words", queries("/v1/suggest")...)
}

// queries returns a call for each of the words.
func queries(path string) (calls []call) {
	for _, word := range words {
		calls = append(calls, call{path: path, query: "&q=" + url.QueryEscape(word)})
	}
	return calls
}

// reads compares calls with a bare handler that sends the body of the first one.
func (b *bench) reads(part, name string, calls ...call) ([]*kind, error) {
	s, err := b.newSubject("SQLite", nil)
	if err != nil {
		return nil, err
	}
	t, err := s.newTokens(b.tokens, b.conns)
	if err != nil {
		return nil, err
	}
	calls, body, err := s.expecting(t, calls...)
	if err != nil {
		return nil, err
	}
	base, err := b.bareKind(part+"/echo", fmt.Sprintf("bare Echo, %s bytes", thousands(len(body))), "echo", t, calls, body)
	if err != nil {
		return nil, err
	}
	return []*kind{base, against(base, b.own(part+"/stile", "stile, "+name, s, t, calls))}, nil
}

// connections compares numbers of connections. Each number has tokens of its own.
func connections(b *bench) (kinds []*kind, err error) {
	s, err := b.newSubject("SQLite", nil)
	if err != nil {
		return nil, err
	}
	var echo *process
	for _, conns := range []int{1, 64, 1000} {
		with := *b
		with.conns = conns
		t, err := s.newTokens(max(b.tokens, conns), conns)
		if err != nil {
			return nil, err
		}
		calls, body, err := s.expecting(t, oneItem)
		if err != nil {
			return nil, err
		}
		if echo == nil {
			if echo, err = b.bare("echo", body); err != nil {
				return nil, err
			}
		}
		key := fmt.Sprintf("conns/%d", conns)
		base := with.foreign(key+"/echo", fmt.Sprintf("bare Echo, connections: %s", thousands(conns)), echo, t, calls)
		kinds = append(kinds, base, against(base, with.own(key+"/stile", fmt.Sprintf("stile, connections: %s", thousands(conns)), s, t, calls)))
	}
	return kinds, nil
}

// openRates are the rates of the part `open`, in calls a second.
var openRates = []int{2000, 5000}

// openLoop compares the response times at constant rates. It measures three times as long as the
// other parts, so that the journal is folded meanwhile.
func openLoop(b *bench) (kinds []*kind, err error) {
	s, t, calls, body, err := b.oneItem()
	if err != nil {
		return nil, err
	}
	echo, err := b.bare("echo", body)
	if err != nil {
		return nil, err
	}
	for _, rate := range openRates {
		with, of := *b, thousands(rate)+" calls/s"
		with.rate, with.duration = rate, 3*b.duration
		base := with.foreign(fmt.Sprintf("open/%d/echo", rate), "bare Echo, "+of, echo, t, calls)
		kinds = append(kinds, base, against(base, with.own(fmt.Sprintf("open/%d/stile", rate), "stile, "+of, s, t, calls)))
	}
	return kinds, nil
}

// manyTokens compares numbers of tokens. Each number has a server of its own.
func manyTokens(b *bench) (kinds []*kind, err error) {
	for _, n := range []int{b.tokens, b.many[0], b.many[1]} {
		s, err := b.newSubject("SQLite with "+thousands(n)+" tokens", nil)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		t, err := s.newTokens(n, b.conns)
		if err != nil {
			return nil, err
		}
		fmt.Printf("%s tokens issued and called once in %v\n", thousands(n), time.Since(began).Round(time.Second/10))
		calls, body, err := s.expecting(t, oneItem)
		if err != nil {
			return nil, err
		}
		if kinds == nil {
			base, err := b.bareKind("tokens/echo", "bare Echo", "echo", t, calls, body)
			if err != nil {
				return nil, err
			}
			kinds = append(kinds, base)
		}
		key := fmt.Sprintf("tokens/%d", len(kinds)-1) // 0: few, 1: many, 2: the most
		kinds = append(kinds, against(kinds[0], b.own(key, "stile, tokens: "+thousands(n), s, t, calls)))
	}
	return kinds, nil
}

// startsAndMemory measures the memory of a token, and the start with the most tokens.
func startsAndMemory(b *bench, kinds []*kind) error {
	few, most := b.current[0], b.current[len(b.current)-1]
	var memory [2]int
	for i, s := range []*subject{few, most} {
		var err error
		if memory[i], err = resident(s.server.PID()); err != nil {
			return err
		}
	}
	b.report.facts["bytes a token"] = float64(memory[1]-memory[0]) / float64(b.many[1]-b.tokens)
	for _, end := range []struct {
		fact string
		end  func() error
	}{{"start after SIGTERM", most.server.Stop}, {"start after kill -9", most.server.Kill}} {
		if err := end.end(); err != nil {
			return err
		}
		began := time.Now()
		if err := most.server.Start(); err != nil {
			return err
		}
		b.report.facts[end.fact] = time.Since(began).Seconds() * 1000
	}
	s := b.report.sections[len(b.report.sections)-1]
	s.notes = append(s.notes,
		fmt.Sprintf("With %s tokens, all called, the server has %s MB of memory (RSS). With %s it has %s MB. The difference is %.0f bytes for each token.",
			thousands(b.many[1]), thousands(memory[1]/1e6), thousands(b.tokens), thousands(memory[0]/1e6), b.report.facts["bytes a token"]),
		fmt.Sprintf("With %s tokens, the server starts in %.0f ms after SIGTERM, and in %.0f ms after `kill -9`, until it serves.",
			thousands(b.many[1]), b.report.facts["start after SIGTERM"], b.report.facts["start after kill -9"]))
	return nil
}

// resident returns a process's memory (RSS) in bytes.
func resident(pid int) (bytes int, err error) {
	text, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscanf(rest, "%d kB", &bytes); err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return bytes * 1024, nil
}

// thousands writes a number with commas.
func thousands[T int | float64](n T) string {
	text := fmt.Sprintf("%.0f", float64(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return cmp.Or(text, "0")
}
