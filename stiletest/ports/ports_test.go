package ports

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"stile.example/stile/stiletest/leftovers"
)

// TestFree checks that no port is chosen twice, neither by a process nor by two at the same time.
func TestFree(t *testing.T) {
	const count = 150 // more than a block has
	if os.Getenv("STILE_TEST_PORTS") != "" {
		for range count {
			port, err := Free()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(port)
		}
		fmt.Println("end")
		time.Sleep(time.Hour) // its ports are its own until it is killed
	}
	chosen := map[string]bool{}
	for range 4 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestFree$")
		cmd.Env = append(os.Environ(), "STILE_TEST_PORTS=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := leftovers.Start(cmd); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		n := 0
		for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "end"; n++ {
			if port := lines.Text(); chosen[port] {
				t.Errorf("the port %s was chosen before", port)
			}
			chosen[lines.Text()] = true
		}
		if n != count {
			t.Fatalf("a process has chosen %d ports", n)
		}
	}
}

// TestBlock checks that ports of a block are not chosen one by one.
func TestBlock(t *testing.T) {
	before, err := Free()
	if err != nil {
		t.Fatal(err)
	}
	first, err := Block()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * size {
		port, err := Free()
		if err != nil {
			t.Fatal(err)
		}
		if port == before || port >= first && port < first+size-1 {
			t.Fatalf("%d was chosen again", port)
		}
	}
}
