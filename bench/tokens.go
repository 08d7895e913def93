package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
)

// tokenSet is many tokens in little memory. Their first characters, which are the same in all, are
// stored once. All of them have the same length.
//
// Tokens belong to groups: token i is in group i modulo groups. All tokens of a group are bound to
// one source address. The connections with the same number, modulo groups, use them. Otherwise a
// million tokens of one address would be a crowded address, and its queries would wait for each
// other.
type tokenSet struct {
	start  string
	rests  []byte // the rest of each token
	size   int    // of a rest
	groups int
}

func newTokenSet(groups int) *tokenSet { return &tokenSet{groups: groups} }

// widest is the maximum number of groups. More connections share addresses.
const widest = 250

// add stores tokens. The first ones decide what all must have in common.
func (t *tokenSet) add(tokens []string) error {
	if t.size == 0 && len(tokens) > 0 {
		t.start = commonStart(tokens)
		t.size = len(tokens[0]) - len(t.start)
	}
	for _, token := range tokens {
		rest, ok := strings.CutPrefix(token, t.start)
		if !ok || len(rest) != t.size {
			return errors.New("the tokens differ in their length or in their first characters")
		}
		t.rests = append(t.rests, rest...)
	}
	return nil
}

func commonStart(tokens []string) string {
	start := tokens[0]
	for _, token := range tokens {
		for !strings.HasPrefix(token, start) {
			start = start[:len(start)-1]
		}
	}
	return start
}

func (t *tokenSet) len() int {
	if t.size == 0 {
		return 0
	}
	return len(t.rests) / t.size
}

// rest returns token i without its start.
func (t *tokenSet) rest(i int) []byte { return t.rests[i*t.size : (i+1)*t.size] }

// of returns the tokens that a connection uses: the first, how many numbers further the next one
// is, and how many there are. No two connections share a token.
func (t *tokenSet) of(conn, conns int) (first, step, count int) {
	group := conn % t.groups
	sharers := (conns - group + t.groups - 1) / t.groups // connections of the group
	first, step = group+conn/t.groups*t.groups, sharers*t.groups
	return first, step, (t.len() - first + step - 1) / step
}

// forwarded returns the header that names the source address of a group. With one group, there is
// no header, and the address is that of the connection.
func (t *tokenSet) forwarded(group int) string {
	if t.groups == 1 {
		return ""
	}
	return fmt.Sprintf("X-Forwarded-For: 198.18.%d.1\r\n", group) // for benchmarks, RFC 2544
}

// order decides which of its tokens a connection uses next.
type order func(conn int) (token int, ok bool)

// atRandom uses each connection's tokens at random.
func (t *tokenSet) atRandom(conns int, seed uint64) order {
	random := make([]*rand.Rand, conns)
	for c := range random {
		random[c] = rand.New(rand.NewPCG(seed, uint64(c)))
	}
	return func(conn int) (int, bool) {
		first, step, count := t.of(conn, conns)
		return first + step*random[conn].IntN(count), true
	}
}

// once uses each token once.
func (t *tokenSet) once(conns int) order {
	used := make([]int, conns)
	return func(conn int) (int, bool) {
		first, step, count := t.of(conn, conns)
		n := used[conn]
		used[conn]++
		return first + step*n, n < count
	}
}
