package operators

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// units are the files of systemd on the page.
var units = []string{"stile.service", "stile-backup.service", "stile-backup.timer"}

// TestUnits checks the form of the units' lines, and the units with systemd's own program.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	args := []string{"verify"}
	line := regexp.MustCompile(`^(\[[A-Z][a-z]+\]|[A-Z][A-Za-z]+=(\S.*)?|#.*|)$`)
	for _, name := range units {
		text := contentOf(t, "/etc/systemd/system/"+name)
		for _, l := range strings.Split(text, "\n") {
			if !line.MatchString(l) {
				t.Errorf("%s: %q", name, l)
			}
		}
		text = strings.ReplaceAll(text, "ExecStart=/usr/local/bin/stile", "ExecStart="+binary)
		args = append(args, write(t, filepath.Join(dir, name), text, 0o644))
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("NOT TESTED: systemd-analyze is missing: apt-get install systemd")
	}
	out, err := exec.Command(analyze, args...).CombinedOutput()
	for l := range strings.Lines(string(out)) {
		// The machine's own units may have faults too.
		if strings.Contains(l, dir) || strings.Contains(l, "stile") {
			t.Errorf("systemd-analyze: %s", l)
		}
	}
	if err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// TestUnitsAreThePages checks that the units in deploy are those of the page.
func TestUnitsAreThePages(t *testing.T) {
	for _, name := range units {
		text, err := os.ReadFile("../../deploy/systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if want := contentOf(t, "/etc/systemd/system/"+name); "# /etc/systemd/system/"+name+"\n"+string(text) != want {
			t.Errorf("deploy/systemd/%s is not the block of docs/first-day.md", name)
		}
	}
}

// TestUnitIsHardened checks with systemd's own program that the server's unit is exposed at most
// 2.0 of 10.
func TestUnitIsHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("NOT TESTED: systemd-analyze is missing: apt-get install systemd")
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", "../../deploy/systemd/stile.service").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Overall exposure level for stile.service") {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
