package commands

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// demoSecret matches the secret in what the demo prints.
var demoSecret = regexp.MustCompile(`-u demo:(stile_[\w-]{43}) `)

// TestDemoAgain checks that the demo can be started again, with the same secret, which works also
// after an operator has rotated it or suspended the tenant.
func TestDemoAgain(t *testing.T) {
	h := newHarness(t, "")
	secrets := map[string]bool{}
	for range 3 {
		h.serve("--demo", "--demo-listen", "127.0.0.1:0")
		m := demoSecret.FindStringSubmatch(h.out.String())
		if m == nil {
			t.Fatalf("the demo prints no secret:\n%s", h.out)
		}
		secrets[m[1]] = true
		req, err := http.NewRequest("POST", h.public+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("demo", m[1])
		if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != 200 {
			t.Errorf("the printed secret: %v %v", res, err)
		}
		h.end()
		h.must("tenant", "rotate-secret", "demo", "--yes")
		h.must("tenant", "suspend", "demo")
	}
	if len(secrets) != 1 {
		t.Errorf("%d different secrets in three starts", len(secrets))
	}
	if out := h.must("tenant", "list"); strings.Count(out, "demo") != 1 {
		t.Errorf("tenants: %s", out)
	}
	other := newHarness(t, "")
	other.serve("--demo", "--demo-listen", "127.0.0.1:0")
	if m := demoSecret.FindStringSubmatch(other.out.String()); m == nil || secrets[m[1]] {
		t.Error("the secret of another data directory is the same")
	}
}

// TestDemoHidesToken checks that no printed command has the token as an argument of stile, where
// other users of the machine can see it.
func TestDemoHidesToken(t *testing.T) {
	h := newHarness(t, "")
	h.serve("--demo", "--demo-listen", "127.0.0.1:0")
	if m := regexp.MustCompile(`stile token .*TOKEN.*`).FindString(h.out.String()); m != "" || !strings.Contains(h.out.String(), "token show -\n") {
		t.Errorf("printed: %s\n%s", m, h.out)
	}
}

// TestStartPage checks that the demo, and only the demo, has a page at / with three links that
// work, and the pictures of its corpus.
func TestStartPage(t *testing.T) {
	h := newHarness(t, "")
	h.serve("--demo", "--demo-listen", "127.0.0.1:0")
	_, page := h.get("/", "")
	links := regexp.MustCompile(`<a href="([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) != 3 {
		t.Fatalf("the page has %d links, want 3:\n%s", len(links), page)
	}
	for _, m := range links {
		url := m[1]
		if strings.HasPrefix(url, "/") {
			url = h.public + url
		}
		if res, err := http.Get(url); err != nil || res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %v %v", url, res, err)
		}
	}
	pictures := regexp.MustCompile(`src="([^"]+)"`).FindAllStringSubmatch(page, -1)
	for _, m := range pictures {
		if res, err := http.Get(h.public + m[1]); err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("%s: %v %v", m[1], res, err)
		}
	}
	h.end()

	h.serve() // the same data, without --demo
	for _, path := range []string{"/", pictures[0][1]} {
		if code, body := h.get(path, ""); code != 404 || !strings.Contains(body, `"code":"not_found"`) {
			t.Errorf("a server without the demo has %s: %d %.80s", path, code, body)
		}
	}
}

// TestDemoDefaults checks that the demo listens on this machine only and logs little, as text,
// unless a setting says otherwise.
func TestDemoDefaults(t *testing.T) {
	for _, c := range []struct {
		file, env string
		flags     map[string]string
		listen    string
		json      bool
		level     string
	}{
		{listen: "127.0.0.1:8080", level: "WARN"},
		{file: "listen: \":8080\"\nlog: {level: info}\n", listen: ":8080", level: "INFO"},
		{env: "STILE_LOG_FORMAT=json", listen: "127.0.0.1:8080", level: "WARN", json: true},
		{flags: map[string]string{"listen": "127.0.0.1:9080", "log.level": "debug"}, listen: "127.0.0.1:9080", level: "DEBUG"},
	} {
		h := &harness{t: t, dir: t.TempDir()}
		h.write("stile.yaml", c.file)
		p := h.program(nil, nil)
		p.env = append(p.env, c.env)
		s, err := p.settingsWith(demoDefaults, c.flags)
		if err != nil {
			t.Fatal(err)
		}
		if s.Listen != c.listen || s.Log.JSON != c.json || s.Log.Level.String() != c.level {
			t.Errorf("%+v: listens at %s, json %v, level %v", c, s.Listen, s.Log.JSON, s.Log.Level)
		}
	}
	if host, _, _ := net.SplitHostPort(demoListen); host != "127.0.0.1" {
		t.Errorf("the demo tenant's site listens at %s", demoListen)
	}
}

// TestPortsInUse checks that the error for each listener names its flag.
func TestPortsInUse(t *testing.T) {
	h := newHarness(t, "")
	h.serve()
	busy := strings.TrimPrefix(h.public, "http://")
	for _, flag := range []string{"--listen", "--admin-listen", "--demo-listen"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var out, err bytes.Buffer
		args := []string{"serve", "--demo", "--demo-listen", "127.0.0.1:0", flag, busy}
		code := newHarness(t, "").program(&out, &err).main(ctx, args)
		cancel()
		if want := busy + " is in use by another program; stop that program, or choose another address with " + flag + ", such as " + flag + " 127.0.0.1:"; code != failed || !strings.Contains(err.String(), want) {
			t.Errorf("%s: exit %d\n%s", flag, code, &err)
		}
	}
}

// TestCalledBy checks that the commands in help texts, hints and errors begin with what was typed.
func TestCalledBy(t *testing.T) {
	for name, want := range map[string]string{"": "stile", "stile": "stile", "./bin/stile": "./bin/stile", "/my tools/stile": "'/my tools/stile'"} {
		for _, c := range []struct{ args, says string }{
			{"serve --help", "\n  NAME serve --demo\n"},
			{"serve --help", "`NAME help settings`"},
			{"help tenant", "Use \"NAME tenant [command] --help\""},
			{"--help", "  NAME [command]\n"},
			{"bogus", "`NAME --help` lists them"},
			{"servr", "did you mean `NAME serve`?"},
			{"tenant show nobody", "`NAME tenant list` lists the tenants, `NAME tenant add` adds one"},
			{"tenant add acme", "\n  NAME tenant set acme --site"},
		} {
			h := newHarness(t, "")
			if c.args == "tenant show nobody" { // which creates nothing
				h.must("tenant", "add", "acme")
			}
			var out, err bytes.Buffer
			p := h.program(&out, &err)
			p.name = name
			p.main(t.Context(), strings.Fields(c.args))
			if says := strings.ReplaceAll(c.says, "NAME", want); !strings.Contains(out.String()+err.String(), says) {
				t.Errorf("%q %s does not say %q:\n%s%s", name, c.args, says, &out, &err)
			}
		}
	}
}

// TestSameData checks that the commands that the demo prints lead to its data.
func TestSameData(t *testing.T) {
	for _, c := range []struct {
		config, data string
		env          []string
		want         string
	}{
		{want: "./stile"},
		{data: "/tmp/a b", want: "./stile --data '/tmp/a b'"},
		{config: "x.yaml", want: "./stile --config x.yaml"},
		{env: []string{"STILE_CONFIG=y.yaml", "STILE_DATA=d"}, want: "./stile --config y.yaml --data d"},
	} {
		h := &harness{t: t, dir: t.TempDir()}
		s := mustLoad(t, &harness{t: t, dir: newHarness(t, "").dir})
		p := h.program(nil, nil)
		p.name, p.config, p.data, p.env = "./stile", c.config, c.data, c.env
		s.Data = "d"
		if c.data != "" {
			s.Data = c.data
		}
		if got := p.sameData(s); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestDemoOnOtherData checks that the demo refuses a data directory with tenants or items that it
// did not make, and leaves it as it is.
func TestDemoOnOtherData(t *testing.T) {
	for _, c := range []struct {
		before [][]string
		demo   bool // the demo has run before
		want   string
	}{
		{before: [][]string{{"tenant", "add", "acme"}}, want: "has the tenant acme, which the demo did not make"},
		{before: [][]string{{"tenant", "add", "demo", "--name", "Magazine"}}, want: "has the tenant demo, which"},
		{before: [][]string{{"content", "import", "items.jsonl"}}, want: "has 3 items, which the demo did not make"},
		{before: [][]string{{"content", "import", "items.jsonl"}}, demo: true, want: "has 3 items, which the demo did not make"},
		{before: [][]string{{"tenant", "add", "acme"}}, demo: true, want: "has the tenant acme, which"},
	} {
		h := newHarness(t, "")
		items := h.write("items.jsonl", threeItems)
		if c.demo {
			h.serve("--demo", "--demo-listen", "127.0.0.1:0")
			h.end()
		}
		for _, args := range c.before {
			h.must(strings.Fields(strings.Replace(strings.Join(args, " "), "items.jsonl", items, 1))...)
		}
		was := h.must("tenant", "list") + h.must("content", "list")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var out, err bytes.Buffer
		code := h.program(&out, &err).main(ctx, []string{"serve", "--demo", "--demo-listen", "127.0.0.1:0"})
		cancel()
		if text := err.String(); code != failed || out.Len() > 0 || !strings.Contains(text, c.want) || !strings.Contains(text, "another data directory, such as --data ") {
			t.Errorf("%v: exit %d\n%s%s", c.before, code, &out, text)
		}
		if now := h.must("tenant", "list") + h.must("content", "list"); now != was {
			t.Errorf("%v: changed\n%s", c.before, now)
		}
	}
}
