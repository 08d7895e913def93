package commands

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCompletion checks that the help lists completion, that its texts are as wide as others, and
// that each shell that is installed accepts its script. bash must complete a command, a flag, and
// the program by a path.
func TestCompletion(t *testing.T) {
	h := newHarness(t, "")
	if out := h.must("--help"); !strings.Contains(out, "\n  completion ") {
		t.Errorf("the help does not list completion:\n%s", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		for line := range strings.Lines(h.must("help", "completion", shell) + h.must("completion", "--help")) {
			if utf8.RuneCountInString(line) > 81 {
				t.Errorf("a line of the help is too wide: %s", line)
			}
		}
		script := h.must("completion", shell)
		if !strings.Contains(script, "stile __complete") && !strings.Contains(script, "__complete") {
			t.Errorf("%s: %.200s", shell, script)
		}
		if path, err := exec.LookPath(shell); err == nil {
			if out, err := exec.Command(path, "-n", h.write("script."+shell, script)).CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s", shell, err, out)
			}
		}
	}
}

// TestCompletionInBash completes words in bash with the program's own answers.
func TestCompletionInBash(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("bash is missing: apt-get install bash")
	}
	h := newHarness(t, "")
	h.write("completion", h.must("completion", "bash"))
	// A program that answers as this one does.
	h.write("tenant", h.must("__complete", "ten"))
	h.write("site", h.must("__complete", "tenant", "add", "--si"))
	h.write("stile", "#!/bin/sh\ncase \"$*\" in *--si) cat site 2>&1 ;; *) cat tenant ;; esac\n")
	if err := os.Chmod(h.dir+"/stile", 0o700); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{"./stile ten": "tenant", "stile tenant add --si": "--site"} {
		cmd := exec.Command(bash, "-c", `
			_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
			__ltrim_colon_completions() { :; }
			PATH=.:$PATH; . ./completion
			COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]}-1)) COMP_TYPE=9
			__start_stile; echo "${COMPREPLY[@]}"`, "bash", line)
		cmd.Dir = h.dir
		out, err := cmd.Output()
		if first, _, _ := strings.Cut(strings.TrimSpace(string(out)), " "); err != nil || first != want {
			t.Errorf("%s: completed to %q, want %s (%v)", line, out, want, err)
		}
	}
}
