package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// importing is `stile content import -`, which has read some items and waits for more.
type importing struct {
	*exec.Cmd
	in   io.WriteCloser
	said bytes.Buffer
}

func (s *server) startImport() *importing {
	s.t.Helper()
	i := &importing{Cmd: s.Program("content", "import", "-", "--format", "jsonl")}
	i.Stderr = &i.said
	in, err := i.StdinPipe()
	s.must(err)
	i.in = in
	s.must(i.Start())
	for n := range 3000 { // more than waits in buffers
		fmt.Fprintf(i.in, `{"id":"new%d","title":"New","summary":"Some words to fill the buffers."}`+"\n", n)
	}
	return i
}

// importAgain imports an item that exists, and returns what the command writes to standard error:
// nothing if it succeeded.
func (s *server) importAgain() string {
	cmd := s.Program("content", "import", "again.jsonl")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return said.String()
	}
	return ""
}

// sentAll reports whether a command says that the server, which was killed, ended the connection
// after it had all items. The command may have sent the rest before it learned of the end.
func sentAll(name, said string) bool {
	return name == "server killed" && strings.HasPrefix(said, "stile: the server ended the connection when it had all items: they may have been imported; run the import again")
}

// TestImportEnds ends imports in the running server in several ways. Each changes nothing, and the
// next import runs. Meanwhile, another import learns where and since when the first one runs.
func TestImportEnds(t *testing.T) {
	s := newServer(t, trusting)
	s.write("again.jsonl", `{"id":"i0","collection":"c0","title":"Item number 0","body":"<p>Some words.</p>","tags":["t"]}`)
	for _, c := range []struct {
		name, says string
		end        func(*importing)
	}{
		{"killed", "", func(i *importing) { s.must(i.Process.Kill()) }},
		{"interrupted", "stile: nothing was imported: interrupted\n", func(i *importing) { s.must(i.Process.Signal(os.Interrupt)) }},
		{"invalid", "stdin:3001: title is missing\n", func(i *importing) { fmt.Fprintln(i.in, `{"id":"x"}`); i.in.Close() }},
		{"server killed", "stile: nothing was imported: the server ended the connection before it had all items; run the import again", func(*importing) { s.must(s.Kill()); s.must(s.Start()) }},
	} {
		first := s.startImport()
		busy := regexp.MustCompile(fmt.Sprintf(`^stile: nothing was imported: another import is running: standard input, process %d, since 20[0-9-]+ [0-9:]+ UTC; try again when that is done\n$`, first.Process.Pid))
		s.until("busy", func() string { return map[bool]string{true: "busy"}[busy.MatchString(s.importAgain())] })
		c.end(first)
		if c.name == "server killed" {
			first.in.Close() // a command that waits for its input learns of it when it sends
		}
		if err := first.Wait(); err == nil || !strings.HasPrefix(first.said.String(), c.says) && !sentAll(c.name, first.said.String()) {
			t.Errorf("%s: %v, %s", c.name, err, &first.said)
		}
		s.until("", s.importAgain)
		if out := s.command("content", "list"); strings.Contains(out, "New") || strings.Count(out, "\n") != 31 {
			t.Errorf("%s: the corpus is\n%s", c.name, out)
		}
		if files, err := filepath.Glob(filepath.Join(s.Dir, "data", "corpus-*.db")); err != nil || len(files) != 1 {
			t.Errorf("%s: files %v, %v", c.name, files, err)
		}
	}
}

// TestImportFullDisk imports more than the disk has space for. The error says what to do, nothing
// changes, and a smaller import runs.
func TestImportFullDisk(t *testing.T) {
	s := onSmallDisk(t)
	var large strings.Builder
	for n := range 4000 {
		fmt.Fprintf(&large, `{"id":"x%d","title":"Large","body":"<p>%s</p>"}`+"\n", n, strings.Repeat(fmt.Sprint("word", n, " "), 200))
	}
	s.write("large.jsonl", large.String())
	if out, err := s.Command("content", "import", "large.jsonl"); err == nil || !strings.Contains(err.Error(), "disk is full; make space: a change of the corpus needs as much as the corpus has") {
		t.Errorf("%s %v", out, err)
	}
	s.write("small.jsonl", `{"id":"small","title":"Small"}`)
	s.command("content", "import", "small.jsonl")
	if out := s.command("content", "list"); strings.Contains(out, "Large") || strings.Count(out, "\n") != 32 {
		t.Errorf("the corpus is\n%s", out)
	}
}
