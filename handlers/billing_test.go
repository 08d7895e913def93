package handlers

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stile.example/stile/handlers/codes"
	"stile.example/stile/stiletest"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens"
	"stile.example/stile/usage"
)

// bill returns the statement of all that was counted, with a price for each call and record.
func (s *site) bill() string {
	s.Helper()
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	var lines []usage.Line
	for _, state := range s.tokens.states {
		for d, routes := range state.Used {
			for route, n := range routes {
				if n == (tokens.Count{}) {
					continue
				}
				day := usage.Day(time.Unix((int64(state.Day)+int64(d))*86400, 0))
				lines = append(lines, usage.Line{Tenant: fmt.Sprint(state.Tenant), Day: day, Route: tokens.Route(route).String(), Calls: int64(n.Calls), Records: int64(n.Records)})
			}
		}
	}
	rows, err := usage.Statement(lines, func(string) []tenants.Price { return []tenants.Price{{Micros: 1_000_000, RecordMicros: 1000}} })
	s.must(err)
	return fmt.Sprint(rows)
}

var codeIn = regexp.MustCompile(`"code":"([a-z_]+)"`)

// TestAbuseIsNeverBilled refuses requests with every code, over each transport, and checks that the
// statement stays as it is. The one exception is an item that does not exist: the contract counts
// it as an answered call, without records.
func TestAbuseIsNeverBilled(t *testing.T) {
	met := map[codes.Code]bool{}
	for _, c := range slices.Concat(everyday, ladder) {
		for _, way := range []string{"json", "jsonp", "form"} {
			s := newSite(t)
			params := c.arrange(s)
			before := s.bill()
			for range 3 {
				rec := s.send(way, c, params)
				found := codeIn.FindStringSubmatch(rec.Body.String())
				if found == nil {
					t.Fatalf("%s, %s: not refused: %s", c.name, way, rec.Body)
				}
				met[codes.Code(found[1])] = true
			}
			after, isItem := s.bill(), c.code == codes.NotFound && strings.HasPrefix(c.route, itemsPath+"/")
			if after != before && !isItem {
				t.Errorf("%s, %s: the statement was %s, and is %s", c.name, way, before, after)
			}
			if isItem && strings.Contains(after, "0.001") {
				t.Errorf("%s, %s: an item that does not exist has a record: %s", c.name, way, after)
			}
		}
	}
	billRest(t, met)
	for _, info := range codes.All() {
		if !met[info.Code] {
			t.Errorf("no request was refused with %s", info.Code)
		}
	}
}

// billRest refuses requests with the codes that have tests of their own.
func billRest(t *testing.T, met map[codes.Code]bool) {
	s := newSite(t)
	owner, token := stiletest.NewKey(), s.mint()
	proof := s.proofBy(owner, 0, itemsPath, token)
	s.carry(0, itemsPath, token, proof, "")
	before := s.bill()
	if !strings.Contains(before, " 1 ") {
		t.Fatalf("the owner's call is not in the statement: %s", before)
	}
	for _, body := range []string{
		s.carry(0, itemsPath, token, proof, "").Body.String(), // the same proof again
		s.get(with(itemsPath, "callback", "a-b"), s.mint()).Body.String(),
		s.do(ask{method: "DELETE", path: itemsPath}).Body.String(),
	} {
		found := codeIn.FindStringSubmatch(body)
		if found == nil {
			t.Fatalf("not refused: %s", body)
		}
		met[codes.Code(found[1])] = true
	}
	if after := s.bill(); after != before {
		t.Errorf("the statement was %s, and is %s", before, after)
	}
}

// TestOnlyCallsAreBilled does everything that a page may do in addition to calls: suggestions,
// challenges with all their requests, questions about the token, and calls from a blocked address.
func TestOnlyCallsAreBilled(t *testing.T) {
	s := newSite(t)
	token := s.mint()
	task := s.askPicture(token)
	before := s.bill()
	for range 3 {
		for _, path := range []string{"/v1/suggest?q=on", "/v1/token", itemsPath, strings.TrimPrefix(task.Picture, publicURL), strings.TrimPrefix(task.Sound, publicURL),
			"/v1/challenges/" + task.ID + "/reload", "/v1/challenges/" + task.ID + "/answer?answer=0"} {
			s.get(path, token)
		}
	}
	s.do(ask{method: "OPTIONS", path: itemsPath})
	other := s.mint() // its challenge is solved
	solved := s.askPicture(other)
	between := s.bill()
	s.reply(solved.ID, s.solve(solved.ID), other)
	s.get("/v1/suggest?q=on", other)
	if after := s.bill(); after != between {
		t.Errorf("a solved challenge: the statement was %s, and is %s", between, after)
	}
	s.block("192.0.2.0/24", time.Time{})
	for range 3 {
		s.get(itemsPath, s.mint())
		s.get(itemsPath, other)
	}
	if after := s.bill(); after != between || before == "[]" || before == between {
		t.Errorf("the statement was %s, then %s, and is %s", before, between, after)
	}
}
