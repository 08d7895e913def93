package e2e

import (
	"net/http"
	"strings"
	"testing"

	"stile.example/stile/stiletest/engines"
)

// newServerOver starts nodes whose states are in a Valkey, whatever the other tests run on.
func newServerOver(t *testing.T, settings string) (*server, *engines.Engine) {
	t.Helper()
	program := unstarted(t, settings)
	valkey := engines.Valkey(t, "appendonly yes", "maxmemory-policy noeviction")
	program.Nodes.State = "valkey://" + valkey.Addr
	return startServer(t, program), valkey
}

// withState starts a stopped node with another setting, and returns the error of that. Afterwards
// the node has its own setting again.
func (s *server) withState(node int, state string) error {
	one := s.Nodes.Node(node)
	own := one.Settings
	defer func() { one.Settings = own }()
	one.Settings = strings.Replace(own, s.Nodes.State, state, 1)
	return one.Start()
}

// TestThreeNodesOtherEngine: a node whose engine of states is another one than that of the nodes
// that run does not start. `stile check` says so before, and the start changes nothing: calls on
// the other nodes continue, no token gets more calls than its limit, and all are charged.
func TestThreeNodesOtherEngine(t *testing.T) {
	s, valkey := newServerOver(t, trusting+"policy: {token: {calls: 10}}")
	nodes, list := s.all(), s.tokens(2)
	call := func(node int, token, want string) {
		t.Helper()
		if a := nodes[node].mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != want {
			t.Errorf("a call at node %d: %q, want %q", node+1, a.code(), want)
		}
	}
	for i := range 6 {
		call(i%3, list[0], "")
	}
	s.must(nodes[2].Stop())
	other := s.Nodes.State + "/3"
	const why = "live nodes use another one (node1, node2), and all nodes need the same `state`"
	check := nodes[2].Program("check")
	check.Env = append(check.Env, "STILE_STATE="+other)
	if out, err := check.CombinedOutput(); err == nil || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), why) {
		t.Errorf("check: %v\n%s", err, out)
	}
	if err := s.withState(2, other); err == nil || !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(err.Error(), why) {
		t.Errorf("a start with another engine: %v", err)
	}
	if keys := inValkey(t, valkey, `EVAL "redis.call('SELECT', 3) return redis.call('DBSIZE')" 0`); keys != ":0" {
		t.Errorf("the refused start has written to the engine: %s keys", keys)
	}
	call(0, list[1], "") // it was issued before, and never used
	for i := range 2 {
		call(i%2, list[0], "")
	}
	s.must(nodes[2].Start())
	for i := range 2 {
		call(2-i, list[0], "")
	}
	for i := range 3 {
		call(i, list[0], "token_exhausted")
	}
	if n := nodes[2].charged(); n != 11 {
		t.Errorf("%d calls were charged, want 11", n)
	}
}

// TestThreeNodesEngineOfOthers: while the engine says that it belongs to another installation, or
// has other states, no node is ready, and calls are `overloaded`: no token is refused. Once it is
// the right one again, calls continue where they were.
func TestThreeNodesEngineOfOthers(t *testing.T) {
	s, valkey := newServerOver(t, trusting)
	nodes, token := s.all(), s.tokens(1)[0]
	for i := range nodes {
		if a := nodes[i].mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" {
			t.Fatal(a.code())
		}
	}
	owner := strings.TrimPrefix(inValkey(t, valkey, `EVAL "return redis.status_reply(redis.call('GET', 'i'))" 0`), "+")
	installation, _, _ := strings.Cut(owner, " ")
	for round, present := range []string{"another 1", installation + " another"} {
		inValkey(t, valkey, `SET i "`+present+`"`)
		for i, n := range nodes {
			s.within("not ready", func() bool {
				status, body := n.raw("GET", "/readyz", nil, "")
				return status == http.StatusServiceUnavailable && strings.Contains(body, `"missing":["state"]`)
			})
			a := n.mustGet("/v1/items/i1", token, "192.0.2.1")
			if a.code() != "overloaded" || a.Status != http.StatusServiceUnavailable || a.Error.RetryAfter == nil {
				t.Errorf("%q, node %d: a call: %d %+v", present, i+1, a.Status, a.Error)
			}
			s.within("a line in the log", func() bool { return strings.Contains(n.Log(), "all calls are refused") })
		}
		inValkey(t, valkey, `SET i "`+owner+`"`)
		for i, n := range nodes {
			s.within("ready again", func() bool { status, _ := n.raw("GET", "/readyz", nil, ""); return status == http.StatusOK })
			if a := n.mustGet("/v1/items/i1", token, "192.0.2.1"); a.code() != "" || a.Meta.Token.Calls != 4+3*round+i {
				t.Errorf("after %q, node %d: a call: %s, %d calls", present, i+1, a.code(), a.Meta.Token.Calls)
			}
		}
	}
}

// inValkey sends a command, and returns the reply.
func inValkey(t *testing.T, valkey *engines.Engine, command string) string {
	t.Helper()
	reply, err := engines.Command(valkey.Addr, command)
	if err != nil || strings.HasPrefix(reply, "-") {
		t.Fatalf("%s: %s, %v", command, reply, err)
	}
	return reply
}
