package leftovers

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEndsWithTheProcess ends a process that has started a child and made a directory.
func TestEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv("LEFTOVERS_DIR"); dir != "" {
		leave(t, dir)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "made")
			cmd := exec.Command(os.Args[0], "-test.run=^TestEndsWithTheProcess$")
			cmd.Env = append(os.Environ(), "LEFTOVERS_DIR="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			child := "/proc/" + strings.TrimSpace(line)
			if _, err := os.Stat(child); err != nil {
				t.Fatal(err)
			}
			cmd.Process.Signal(signal)
			cmd.Wait()
			awaitMissing(t, child)
			awaitMissing(t, dir)
		})
	}
}

// leave makes the directory, starts a child, prints its process ID and waits.
func leave(t *testing.T, dir string) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	if err := Start(child); err != nil {
		t.Fatal(err)
	}
	fmt.Println(child.Process.Pid)
	child.Wait()
}

func awaitMissing(t *testing.T, file string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(file); os.IsNotExist(err) {
			return
		}
	}
	t.Fatalf("%s still exists", file)
}
