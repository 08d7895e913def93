package operators

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const deploy = "../../deploy/"

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documented returns the labels of each metric in the table of docs/operating.md, and of those of
// Go that queries may use.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{"up": nil, "go_goroutines": nil, "go_memstats_heap_inuse_bytes": nil}
	for _, name := range strings.Fields("process_start_time_seconds process_open_fds process_max_fds process_cpu_seconds_total process_resident_memory_bytes") {
		found[name] = nil
	}
	maps.Copy(found, metricsOf(t, "operating.md"))
	if len(found) < 15 {
		t.Fatalf("the table has only %d metrics", len(found))
	}
	return found
}

// metricsOf returns the labels of each metric in the table of a page.
func metricsOf(t *testing.T, page string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `(stile_[a-z_]+)(?:\\{([a-z,]+)\\})?` \\|")
	for _, m := range row.FindAllStringSubmatch(read(t, "../../docs/"+page), -1) {
		found[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' })
	}
	return found
}

// documentedWithNodes returns what documented does, and the metrics that only nodes have.
func documentedWithNodes(t *testing.T) map[string][]string {
	t.Helper()
	all, ofNodes := documented(t), metricsOf(t, "cluster.md")
	if len(ofNodes) < 8 {
		t.Fatalf("docs/cluster.md has only %d metrics", len(ofNodes))
	}
	maps.Copy(all, ofNodes)
	return all
}

// TestMetricsAreDocumented checks that the table names exactly the metrics and labels of a server.
func TestMetricsAreDocumented(t *testing.T) {
	s, _ := busyServer(t)
	known := documented(t)
	seen := families(t, string(body(t, s.AdminURL+"/metrics")))
	for name, f := range seen {
		labels, exists := known[name]
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasPrefix(name, "stile_") && (!exists || !slices.Contains(labels, l.GetName())) {
					t.Errorf("%s{%s} is not in the table", name, l.GetName())
				}
			}
		}
	}
	for name := range known {
		if seen[name] == nil && !slices.Contains([]string{"up", "stile_observed_total", "stile_tenant_addresses"}, name) {
			t.Errorf("%s is in the table, but the server does not have it", name)
		}
	}
}

// checkQuery checks that a query names only metrics and labels that exist.
func checkQuery(t *testing.T, known map[string][]string, where, query string) {
	t.Helper()
	usable := []string{"le", "instance", "job"}
	metric := regexp.MustCompile(`\b(stile_[a-z_]+|go_[a-z_]+|process_[a-z_]+|up\b)(\{[^}]*\})?`)
	all := metric.FindAllStringSubmatch(query, -1)
	if len(all) == 0 {
		t.Errorf("%s: no metric in %s", where, query)
	}
	for _, m := range all {
		name := m[1]
		if _, exists := known[name]; !exists {
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		labels, exists := known[name]
		if !exists {
			t.Errorf("%s: there is no metric %s", where, m[1])
		}
		usable = append(usable, labels...)
		for _, l := range regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`).FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(append(labels, "instance", "job", "le"), l[1]) {
				t.Errorf("%s: %s has no label %s", where, m[1], l[1])
			}
		}
	}
	for _, m := range regexp.MustCompile(`\bby \(([^)]*)\)`).FindAllStringSubmatch(query, -1) {
		for _, l := range strings.Split(m[1], ",") {
			if !slices.Contains(usable, strings.TrimSpace(l)) {
				t.Errorf("%s: no metric in it has the label %s", where, l)
			}
		}
	}
}

// TestAlerts checks the alerts with promtool, and runs their unit tests. Each alert has a unit test
// that it is raised and one that it is not, and a section of the page that says what to do.
func TestAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	text, tests := read(t, deploy+"prometheus/stile.rules.yml"), read(t, deploy+"prometheus/stile.rules.test.yml")
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	known, n := documentedWithNodes(t), 0
	for _, r := range file.Groups[0].Rules {
		n++
		checkQuery(t, known, r.Alert, r.Expr)
		if !slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) || r.Annotations["summary"] == "" {
			t.Errorf("%s: %v %v", r.Alert, r.Labels, r.Annotations)
		}
		page, section, _ := strings.Cut(r.Annotations["runbook"], "#")
		if section != strings.ToLower(r.Alert) || !strings.Contains(read(t, "../../"+page), "\n### "+r.Alert+"\n") {
			t.Errorf("%s: its runbook %s has no section for it", r.Alert, r.Annotations["runbook"])
		}
		raised := strings.Contains(tests, "alertname: "+r.Alert+"\n")
		quiet := strings.Contains(tests, "alertname: "+r.Alert+", exp_alerts: []")
		if !raised || !quiet {
			t.Errorf("%s: tested that it is raised: %t, and that it is not: %t", r.Alert, raised, quiet)
		}
	}
	if n < 10 {
		t.Errorf("only %d alerts", n)
	}
	tool := promtool(t)
	run(t, tool, "check", "rules", deploy+"prometheus/stile.rules.yml")
	run(t, tool, "test", "rules", deploy+"prometheus/stile.rules.test.yml")
}

// run runs a program that must succeed.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

// TestDashboard checks that each panel says what it shows, that its queries name metrics and labels
// that exist, and that they are valid.
func TestDashboard(t *testing.T) {
	var board struct {
		UID    string
		Panels []struct {
			ID                       int
			Type, Title, Description string
			Targets                  []struct{ Expr string }
		}
		Templating struct{ List []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(read(t, deploy+"grafana/stile.json")), &board); err != nil {
		t.Fatal(err)
	}
	known, shown, ids := documentedWithNodes(t), "", map[int]bool{}
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d %q: %q, %d queries", p.ID, p.Title, p.Description, len(p.Targets))
		}
		ids[p.ID] = true
		for i, q := range p.Targets {
			checkQuery(t, known, p.Title, q.Expr)
			shown += q.Expr
			expr := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$tenant", ".*").Replace(q.Expr)
			rules += fmt.Sprintf("      - {record: panel_%d_%d, expr: %q}\n", p.ID, i, expr)
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "stile_") && !strings.Contains(shown, name) {
			t.Errorf("no panel shows %s", name)
		}
	}
	if len(board.Templating.List) != 3 || board.UID != "stile" {
		t.Errorf("%+v", board.Templating)
	}
	run(t, promtool(t), "check", "rules", write(t, filepath.Join(t.TempDir(), "rules.yml"), rules, 0o600))
}

// TestContainerfile checks what a container depends on: it does not run as root, is static, has a
// health check, and each file that it copies exists. hadolint checks the rest, if the machine has
// it. No container is built.
func TestContainerfile(t *testing.T) {
	text := read(t, deploy+"Containerfile")
	for _, want := range []string{
		"\nUSER 65532:65532\n", "\nHEALTHCHECK ", "/readyz\"]\n", `-extldflags "-static"`, "sqlite_fts5,", "\nSTOPSIGNAL SIGTERM\n",
		"\nENTRYPOINT [\"/usr/bin/stile\"]\n", "\nCMD [\"serve\"]\n", "\nVOLUME /var/lib/stile\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Containerfile has no %q", want)
		}
	}
	froms := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(text, -1)
	for _, from := range froms {
		if !strings.Contains(from[1], ":") || strings.HasSuffix(from[1], ":latest") || strings.Count(from[1], "/") < 2 {
			t.Errorf("the image %s has no registry or no version", from[1])
		}
	}
	if len(froms) != 3 || strings.LastIndex(text, "\nUSER ") < strings.LastIndex(text, "\nFROM ") {
		t.Errorf("%d images, and the last must not run as root", len(froms))
	}
	goVersion := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))[1]
	if !strings.Contains(text, "golang:"+goVersion+"-") {
		t.Errorf("the image of Go is not that of go.mod, %s", goVersion)
	}
	if lint, err := exec.LookPath("hadolint"); err == nil {
		run(t, lint, deploy+"Containerfile")
	} else {
		t.Log("hadolint is missing: only the lines above were checked")
	}
}

// TestPackageFiles checks the scripts of the package with the shell, and its settings with the
// program. `make test-package` installs it.
func TestPackageFiles(t *testing.T) {
	scripts, err := filepath.Glob(deploy + "package/scripts/*")
	if err != nil || len(scripts) != 3 {
		t.Fatalf("%v %v", scripts, err)
	}
	for _, script := range scripts {
		run(t, "sh", "-n", script)
	}
	run(t, "bash", "-n", deploy+"package/test.sh")
	cmd := exec.Command(binary, "check", "--config", deploy+"package/stile.yaml", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	out, err := cmd.CombinedOutput()
	if !regexp.MustCompile(`(?m)^settings +ok +read$`).Match(out) || strings.Contains(string(out), " wrong ") {
		t.Errorf("stile check: %v\n%s", err, out)
	}
}
