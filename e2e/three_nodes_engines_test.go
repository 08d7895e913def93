package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/stiletest/engines"
)

// TestThreeNodesPgBouncer: whole nodes work through PgBouncer in transaction mode. They serve what
// one of them imports, know a block by hand, and the commands and pages that examine them agree.
func TestThreeNodesPgBouncer(t *testing.T) {
	program := unstarted(t, trusting)
	program.Nodes.Store = engines.PgBouncer(t, program.Nodes.Store, "default_pool_size = 8").URL
	s := startServer(t, program)
	nodes, token := s.all(), s.tokens(1)[0]
	for i, n := range nodes {
		if a := n.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" || a.Meta.Token.Calls != i+1 {
			t.Errorf("node %d: %+v", i+1, a)
		}
	}
	if calls := nodes[1].charged(); calls != 3 {
		t.Errorf("%d calls were charged, want 3", calls)
	}
	_, err := nodes[0].Command("address", "block", "192.0.2.1")
	s.must(err)
	for _, n := range nodes {
		s.within("the block", func() bool { return n.mustGet("/v1/items/i1", token, "192.0.2.1").code() == "address_blocked" })
	}
	out, err := nodes[2].Command("check")
	if err != nil || !strings.Contains(out, "ok") {
		t.Errorf("check: %v\n%s", err, out)
	}
	if out, err := nodes[2].Command("fsck"); err != nil || !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("fsck: %v\n%s", err, out)
	}
	if text := textOf(s.signIn(s.addAdmin("ada", "owner")).get("/").root); !strings.Contains(text, "Blocked addresses 1") {
		t.Errorf("the overview: %.2000s", text)
	}
	res, err := http.Get(nodes[1].AdminURL + "/metrics")
	s.must(err)
	defer res.Body.Close()
	var text strings.Builder
	s.must(res.Write(&text))
	for _, want := range []string{`stile_nodes{state="live"} 3`, `stile_engine_up{engine="store"} 1`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}

// TestThreeNodesCommandsAtOnce: commands that run at the same time on one machine, and on several,
// lose none of their changes.
func TestThreeNodesCommandsAtOnce(t *testing.T) {
	s := newServer(t, trusting)
	s.write("a.jsonl", `{"id":"a","collection":"c0","title":"An item"}`+"\n")
	nodes := s.all()
	commands := [][]string{{"content", "import", "a.jsonl"}, {"tenant", "add", "globe"}, {"tenant", "add", "initech"}, {"tenant", "add", "hooli"}}
	var wg sync.WaitGroup
	for i, args := range commands {
		program := nodes[i%2*2].Program(args...) // two on each of two machines
		wg.Go(func() {
			if out, err := program.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", args, err, out)
			}
		})
	}
	wg.Wait()
	token := s.tokens(1)[0]
	for _, n := range nodes {
		s.within("all tenants", func() bool {
			list, err := n.Command("tenant", "list")
			s.must(err)
			return strings.Contains(list, "globe") && strings.Contains(list, "initech") && strings.Contains(list, "hooli")
		})
		for _, id := range []string{"a", "i1"} {
			s.within("item "+id, func() bool { return n.mustGet("/v1/items/"+id, token, "192.0.2.1").code() == "" })
		}
	}
}
