package valkey_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/stiletest/engines"
	"stile.example/stile/store/valkey"
)

// examine returns what a check finds, one finding a line; fatal ones begin with "!".
func examine(t *testing.T, o valkey.Options) string {
	t.Helper()
	findings, err := valkey.Examine(t.Context(), o)
	if err != nil {
		return "error: " + err.Error()
	}
	var b strings.Builder
	for _, f := range findings {
		if f.Server == "" || f.Problem == "" || f.Why == "" || f.Fix == "" {
			t.Errorf("incomplete: %+v", f)
		}
		if f.Fatal {
			b.WriteString("!")
		}
		b.WriteString(f.Problem + "\n")
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	redis := engines.Redis(t, "appendonly yes", "requirepass elder")
	server := engines.Valkey(t, "appendonly yes", "appendfsync always")
	c := raw(t, server.Addr)
	at := valkey.Options{URL: "valkey://" + server.Addr}
	for _, test := range []struct {
		name    string
		options valkey.Options
		set     string // a command before
		want    string
	}{
		{"nothing", at, "", ""},
		{"Redis 7.0", valkey.Options{URL: "redis://:elder@" + redis.Addr + "/3"}, "", "appendfsync is everysec\nit has no SET … IFEQ\n"},
		{"eviction", at, "CONFIG SET maxmemory-policy allkeys-lru", "!maxmemory-policy is allkeys-lru\n"},
		{"no eviction again", at, "CONFIG SET maxmemory-policy noeviction", ""},
		{"everysec", at, "CONFIG SET appendfsync everysec", "appendfsync is everysec\n"},
		{"no", at, "CONFIG SET appendfsync no", "appendfsync is no\n"},
		{"no file", at, "CONFIG SET appendonly no", "!it has no append-only file\n"},
		{"a cluster", valkey.Options{URL: at.URL + "?cluster=yes"}, "CONFIG SET appendonly yes", "!the server is not part of a cluster\n"},
		{"no permissions", valkey.Options{URL: at.URL, User: "weak", Password: "pw"},
			"ACL SETUSER weak on >pw ~* +@all -eval -mget -config -scan -unlink",
			"appendfsync can't be seen\n!MGET is refused\n!EVAL is refused\n!SCAN is refused\n!UNLINK is refused\n"},
		{"a replica", at, "REPLICAOF 127.0.0.1 1", "!it is a replica\nappendfsync is no\n!SET is refused\n!UNLINK is refused\n"},
	} {
		if test.set != "" {
			send(t, c, strings.Fields(test.set)...)
		}
		got := examine(t, test.options)
		if test.name == "a replica" { // scripts are refused, too, if they may write
			got = strings.ReplaceAll(got, "!EVAL is refused\n", "")
		}
		if got != test.want {
			t.Errorf("%s:\n%swant\n%s", test.name, got, test.want)
		}
	}
}

// TestCheckManaged: a managed engine that refuses CONFIG and has only INFO.
func TestCheckManaged(t *testing.T) {
	t.Parallel()
	s := engines.Redis(t, "appendonly no", "maxmemory-policy volatile-ttl", `rename-command CONFIG ""`)
	want := "!maxmemory-policy is volatile-ttl\n!it has no append-only file\nit has no SET … IFEQ\n"
	if got := examine(t, valkey.Options{URL: "redis://" + s.Addr}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// restricted returns the user of docs/cluster.md, who may only run the commands that stile needs,
// as a setting of the server, and how to connect as that user.
func restricted(t testing.TB) (setting string, o valkey.Options) {
	t.Helper()
	page, err := os.ReadFile("../../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^user (\S+) on >(\S+) ~\* \+.*$`).FindStringSubmatch(string(page))
	if found == nil {
		t.Fatal("docs/cluster.md has no user")
	}
	return found[0], valkey.Options{User: found[1], Password: found[2]}
}

// TestPermissions: an engine works with the commands of docs/cluster.md, and without one of them
// says which is missing. [TestCluster] and [TestSentinel] have the same user.
func TestPermissions(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, ...string) *engines.Engine{"valkey": engines.Valkey, "redis": engines.Redis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			user, o := restricted(t)
			s := start(t, user, "requirepass administrator", "masterauth administrator", "appendonly yes", "appendfsync always")
			o.URL = "valkey://" + s.Addr + "/1"
			e := open(t, o)
			for name, test := range contract {
				t.Run(name, func(t *testing.T) { test(t, e) })
			}
			if _, err := e.Evicted(t.Context()); err != nil {
				t.Error(err)
			}
			if got := strings.ReplaceAll(examine(t, o), "it has no SET … IFEQ\n", ""); got != "" {
				t.Error(got)
			}
			administrator := raw(t, "administrator@"+s.Addr)
			for _, command := range []string{"ping", "info", "set", "get", "mget", "eval", "evalsha", "scan", "unlink", "select"} {
				send(t, administrator, "ACL", "SETUSER", o.User, "-"+command)
				findings, err := valkey.Examine(t.Context(), o)
				says := fmt.Sprint(findings, err)
				if err == nil {
					err = valkey.Fatal(findings)
				}
				if err == nil || !strings.Contains(says, "+"+command) || !strings.Contains(says, "ACL SETUSER") {
					t.Errorf("without %s: %s", command, says)
				}
				send(t, administrator, "ACL", "SETUSER", o.User, "+"+command)
			}
		})
	}
}

// TestPassword: errors and descriptions never contain the password.
func TestPassword(t *testing.T) {
	t.Parallel()
	s := engines.Redis(t, "appendonly yes", "requirepass elder")
	for name, o := range map[string]valkey.Options{
		"wrong":      {URL: "redis://stile:s3cret@" + s.Addr},
		"none":       {URL: "redis://" + s.Addr},
		"unreadable": {URL: "redis://stile:s3cret%@" + s.Addr},
		"no server":  {URL: "redis://stile:s3cret@127.0.0.1:1"},
		"no cluster": {URL: "redis://stile:s3cret@127.0.0.1:1,127.0.0.1:2?cluster=yes"},
		"sentinel":   {URL: "redis://stile:s3cret@127.0.0.1:1?sentinel=x"},
		"scheme":     {URL: "http://stile:s3cret@" + s.Addr},
		"port":       {URL: "redis://stile:s3cret@host:port"},
	} {
		_, err := valkey.Open(t.Context(), o)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		} else if os.Getenv("SHOW") != "" {
			t.Log(name, err)
		}
	}
	e := open(t, valkey.Options{URL: "redis://x:y@" + s.Addr, User: "default", Password: "elder"})
	if got := e.String(); got != "redis://"+s.Addr {
		t.Error(got)
	}
}

// TestWrongURL: each error of connecting says what is wrong and what to do.
func TestWrongURL(t *testing.T) {
	t.Parallel()
	server := engines.Valkey(t, "appendonly yes")
	closed := engines.Redis(t, "appendonly yes", "requirepass elder")
	for url, says := range map[string]string{
		"valkeys://" + server.Addr: "has TLS if and only if the scheme is valkeys://",
		"valkey://127.0.0.1:1":     "check the host and the port",
		"valkey://" + server.Addr + "," + server.Addr + "?cluster=yes": "the server is not part of a cluster",
		"valkey://" + server.Addr + "?sentinel=mymaster":               "the server is not a Sentinel",
		"valkey://" + server.Addr + "/99":                              "use a lower one, or raise `databases`",
		"redis://" + closed.Addr:                                       "set state_password_file",
		"redis://stile:wrong@" + closed.Addr:                           "check the user in the URL and state_password_file",
	} {
		if got := examineAll(t, url); !strings.Contains(got, says) {
			t.Errorf("%s: %s; want %s", url, got, says)
		}
	}
}

func examineAll(t *testing.T, url string) string {
	findings, err := valkey.Examine(t.Context(), valkey.Options{URL: url})
	return fmt.Sprint(findings, err)
}

// TestChecksTogether: nodes that start at the same time find nothing wrong in one another's tests.
func TestChecksTogether(t *testing.T) {
	t.Parallel()
	s := engines.Valkey(t, "appendonly yes", "appendfsync always")
	o := valkey.Options{URL: "valkey://" + s.Addr}
	e := open(t, o)
	// The server has the script afterwards.
	if _, _, err := e.Swap(t.Context(), change(newKey(), "", value(0))); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got := examine(t, o); got != "" {
					t.Error(got)
				}
			}
		})
	}
	all.Wait()
}
