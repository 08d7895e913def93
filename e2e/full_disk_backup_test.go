package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stile.example/stile/stiletest"
)

// TestR4FullDiskBackup writes a backup to a full disk, and restores one to disks that have too
// little space, by less and less. They fail, say why, and leave nothing. The data is as it was.
func TestR4FullDiskBackup(t *testing.T) {
	s := &stiletest.Server{Binary: binary, Dir: t.TempDir()}
	run := func(args ...string) string {
		t.Helper()
		out, err := s.Command(args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	run("tenant", "add", "acme")
	run("backup", "good.tar")
	small := filepath.Join(s.Dir, "small")
	// 256 kB are too few for the files, and the next sizes for what opening them writes
	script := fmt.Sprintf(`
		mkdir %[1]s; cd %[2]s
		for size in 256 400 420 432 440 444 448 452 456 460 464 468 472 480; do
			mount -t tmpfs -o size=${size}k tmpfs %[1]s || exit 9
			[ $size = 256 ] && { %[3]s backup %[1]s/b.tar; echo "backup: $?"; }
			if %[3]s restore good.tar --data %[1]s/data >/dev/null; then echo restored; else echo "$size left: $(ls -A %[1]s)"; fi
			rm -rf %[1]s/data; mkdir %[1]s/empty
			if %[3]s restore good.tar --data %[1]s/empty >/dev/null; then echo restored; else echo "$size left: $(ls -A %[1]s/empty)"; fi
			umount %[1]s
		done`, small, s.Dir, s.Binary)
	out, err := exec.Command("unshare", "--map-root-user", "--mount", "sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{"backup: 1\n", "no space left on device", "MB are free, and the backup needs 0.5 MB; free space, or name another directory with --data", "restored\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	failed := 0
	for line := range strings.Lines(text) {
		if _, left, is := strings.Cut(line, " left: "); is {
			if failed++; left != "\n" {
				t.Errorf("left: %s\n%s", left, text)
			}
		}
	}
	t.Logf("%d restores failed", failed)
	if failed < 4 {
		t.Errorf("only %d restores failed:\n%s", failed, text)
	}
	if out := run("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("after that: %s", out)
	}
	if left, err := filepath.Glob(filepath.Join(s.Dir, "data", "backup-*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
