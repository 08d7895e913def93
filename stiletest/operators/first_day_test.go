package operators

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wants are texts in the output of blocks, by a command in the block. Each must be in some block.
var wants = []struct {
	command string
	says    []string // regular expressions
}{
	{"runuser -u stile -- stile check", []string{`(?m)^settings +ok`, `policy\.observe`}},
	{"/readyz", []string{`"status":"ready"`}},
	{"stile content import", []string{`added 2, `, `plum-cake`}},
	{"stile tenant add acme", []string{`client_secret +stile_`, `(?m)^acme .*\n?.*`, `(?m)^globe .*100000`}},
	{"TOKEN=", []string{`{"data":\[{"id":"`, `(?m)^acme +\d{4}-\d\d-\d\d +items +1 +1 `}},
	{"REF=$(curl", []string{`token_missing`, `127\.0\.0\.0/24`}},
	{"ls -l", []string{`-rw-------.* stile-\d{4}-\d\d-\d\d-\d{6}\.tar`}},
	{"tenant list --data /var/lib/stile-trial", []string{`(?m)^acme `, `(?m)^globe `}},
	{"stile explain 7QK2-M4TD", []string{`address_blocked`, `203\.0\.113\.0/24`, `203\.0\.113\.7/32 +block`}},
	{"stile address remove", []string{`removed 203\.0\.113\.7`, `203\.0\.113\.0/24 +allow .*up to 2000 bindings; Hill School`}},
	{"install -m 755 bin/stile /usr/local/bin/stile\nsystemctl restart", []string{`sqlite`, `"status":"ready"`}},
}

// TestFirstDay executes all blocks of the first day in one shell, in order. The programs that
// change the machine itself are replaced (shims).
func TestFirstDay(t *testing.T) {
	root := t.TempDir()
	day := &shell{t: t, root: root, listen: "127.0.0.1:" + strconv.Itoa(freePort(t)), issuer: issuer(t)}
	write(t, filepath.Join(root, "srv/corpus/recipes.jsonl"), `{"id":"plum-cake","title":"Plum cake"}`+"\n"+`{"id":"onion-soup","title":"Onion soup"}`+"\n", 0o644)
	for _, dir := range []string{"clone/bin", "usr/local/bin", "var", "etc/profile.d", "etc/nginx/sites-enabled"} {
		check(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	blocks := firstDay(t)
	outputs := day.run(blocks)
	for _, w := range wants {
		found := false
		for i, b := range blocks {
			if b.kind != "sh" || !strings.Contains(b.text, w.command) {
				continue
			}
			found = true
			for _, says := range w.says {
				if !regexp.MustCompile(says).MatchString(outputs[i]) {
					t.Errorf("%s\nprints, without %s:\n%s", b.text, says, outputs[i])
				}
			}
		}
		if !found {
			t.Errorf("no block has %q", w.command)
		}
	}
	if list := outputs[last(blocks, "stile address list")]; strings.Contains(list, "block ") {
		t.Errorf("the block is still there:\n%s", list)
	}
}

func last(blocks []block, command string) (index int) {
	for i, b := range blocks {
		if strings.Contains(b.text, command) {
			index = i
		}
	}
	return index
}

// shell executes the page in a directory instead of the root of a machine.
type shell struct {
	t      testing.TB
	root   string
	listen string
	issuer string
}

// machinePath matches the start of a path that belongs to the machine.
var machinePath = regexp.MustCompile(`(^|[\s="'(])(/(?:etc|usr/local|var|srv)/)`)

// here replaces paths, ports, hosts and the reference of the example.
func (s *shell) here(text string) string {
	text = machinePath.ReplaceAllString(text, "${1}"+s.root+"$2")
	return strings.NewReplacer("127.0.0.1:8080", s.listen, "curl -s https://api.example/", "curl -s http://"+s.listen+"/",
		`"https://api.example/`, `"http://`+s.listen+"/", " https://api.example/oauth", " http://"+s.listen+"/oauth",
		"https://id.globe.example/realms/site", s.issuer, "7QK2-M4TD", "$REF").Replace(text)
}

// run returns the output of each block.
func (s *shell) run(blocks []block) []string {
	s.t.Helper()
	s.writeShims()
	var script strings.Builder
	script.WriteString("set -euo pipefail\ncd " + s.root + "/clone\n")
	for i, b := range blocks {
		out := fmt.Sprintf("%s/out.%d", s.root, i)
		switch text := s.here(b.text); {
		case b.kind == "sh":
			fmt.Fprintf(&script, "echo block %d >&2\n%s{\n%s\n} > %s 2>&1\n", i, s.before(b, i), strings.TrimRight(text, "\n"), out)
		case strings.HasPrefix(b.file, added):
			fmt.Fprintf(&script, "cat >> %s <<'END'\n%sEND\n", s.root+strings.TrimPrefix(b.file, added), text)
		default:
			if b.file == "/etc/stile/stile.yaml" {
				text += "admin_listen: 127.0.0.1:" + strconv.Itoa(freePort(s.t)) + "\n"
			}
			fmt.Fprintf(&script, "mkdir -p %s\ncat > %s <<'END'\n%sEND\n", filepath.Dir(s.root+b.file), s.root+b.file, text)
		}
	}
	cmd := exec.Command("bash", "-c", script.String())
	cmd.Env = []string{"HOME=" + s.root, "ROOT=" + s.root, "LISTEN=" + s.listen, "BUILT=" + binary,
		"PATH=" + s.root + "/shims:" + s.root + "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	s.t.Cleanup(s.stop)
	said, err := cmd.CombinedOutput()
	outputs := make([]string, len(blocks))
	for i := range blocks {
		text, _ := os.ReadFile(fmt.Sprintf("%s/out.%d", s.root, i)) // a file's block has none
		outputs[i] = string(text)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s\n%s", err, said, strings.Join(outputs, "\n----\n"))
	}
	return outputs
}

// before returns what has happened before a block: the reader has copied the secret, and a school
// is blocked and has sent a reference. Its block is an operator's, because a rule's takes many
// calls.
func (s *shell) before(b block, i int) string {
	switch {
	case strings.Contains(b.text, "read -rs SECRET"):
		return fmt.Sprintf("exec 0< <(sed -n 's/^client_secret *//p' %s/out.%d | head -n 1)\n", s.root, i-1)
	case strings.Contains(b.text, "stile explain 7QK2-M4TD"):
		return "stile address block 203.0.113.7 > /dev/null\n" +
			`REF=$(curl -s -H 'X-Forwarded-For: 203.0.113.7' "http://$LISTEN/v1/items?client_id=acme" | grep -oE '[0-9A-Z]{4}-[0-9A-Z]{4}')` + "\n"
	}
	return ""
}

// stop ends the server that the first day has started.
func (s *shell) stop() {
	if _, err := os.Stat(filepath.Join(s.root, "pid")); err != nil {
		return
	}
	cmd := exec.Command(filepath.Join(s.root, "shims", "systemctl"), "stop", "stile")
	cmd.Env = []string{"ROOT=" + s.root, "PATH=/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("stop stile: %v\n%s", err, out)
	}
}

// systemctl does what systemd would with the units of the page. It waits until stile is ready, as
// an operator does.
const systemctl = `set -euo pipefail
field() { sed -n "s/^$2=//p" "$ROOT/etc/systemd/system/$1" | sed 's/%%/%/g; s/\$\$/$/g'; }
start() {
  setsid bash -c "exec $(field stile.service ExecStart)" > "$ROOT/journal" 2>&1 < /dev/null &
  echo $! > "$ROOT/pid"
  for n in {1..200}; do curl -sf -o /dev/null "http://$LISTEN/readyz" && return; sleep .05; done
  cat "$ROOT/journal" >&2; exit 1
}
running() { grep -qs '^State:.[^Z]' "/proc/$1/status"; } # a zombie waits for a slow init
stop() { pid=$(cat "$ROOT/pid"); kill "$pid"; while running "$pid"; do sleep .02; done; }
case "$*" in
  daemon-reload | 'reload nginx' | 'reload caddy') ;;
  'enable --now stile-backup.timer') test -n "$(field stile-backup.timer OnCalendar)" ;;
  'enable --now stile') start ;;
  'restart stile') stop; start ;;
  'stop stile') stop ;;
  'start stile-backup')
    export "$(field stile-backup.service Environment)"
    bash -fc "$(field stile-backup.service ExecStart)"; bash -fc "$(field stile-backup.service ExecStartPost)" ;;
  *) echo "the test does not know systemctl $*" >&2; exit 1 ;;
esac
`

// writeShims writes the programs that stand in for those that need a machine of their own.
func (s *shell) writeShims() {
	shims := map[string]string{
		"systemctl": systemctl,
		"make":      `test "$*" = build && cp "$BUILT" bin/stile`,
		"runuser":   `test "$1 $2 $3" = "-u stile --"; shift 3; exec "$@"`,
		"install":   `a=(); while [ $# -gt 0 ]; do case "$1" in -o | -g) shift 2 ;; *) a+=("$1"); shift ;; esac; done; exec /usr/bin/install "${a[@]}"`,
	}
	for _, name := range []string{"apt-get", "certbot", "useradd", "chown", "nginx", "caddy"} {
		shims[name] = ":"
	}
	for name, text := range shims {
		write(s.t, filepath.Join(s.root, "shims", name), "#!/bin/bash\n"+text+"\n", 0o755)
	}
}

// issuer starts an external issuer without keys on this machine, and returns its name.
func issuer(t testing.TB) string {
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	})
	return server.URL
}
