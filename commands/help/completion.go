package help

import (
	"io"

	"github.com/spf13/cobra"

	"stile.example/stile/commands/syntax"
)

// Completion returns `stile completion`. It replaces cobra's own, whose texts are wider than a
// terminal.
func Completion() *cobra.Command {
	c := syntax.Noun("completion", "completion of commands in a shell",
		`Print a script that completes the commands and flags of stile when Tab is
pressed. The help of each shell's command says how to load the script.`,
		`  source <(stile completion bash)
  stile completion zsh > "${fpath[1]}/_stile"
  stile completion fish > ~/.config/fish/completions/stile.fish`,
		completionFor("bash", `Print the completion script for bash. It needs the package bash-completion.
The first example loads it into this shell, the second one into every new shell
of all users.`, "  source <(stile completion bash)\n  stile completion bash > /etc/bash_completion.d/stile",
			func(root *cobra.Command, out io.Writer) error { return root.GenBashCompletionV2(out, true) }),
		completionFor("zsh", `Print the completion script for zsh. The first example loads it into this
shell, the second one into every new shell. If completion is not enabled yet, add
`+"`autoload -U compinit; compinit`"+` to ~/.zshrc.`, "  source <(stile completion zsh)\n  stile completion zsh > \"${fpath[1]}/_stile\"",
			func(root *cobra.Command, out io.Writer) error { return root.GenZshCompletion(out) }),
		completionFor("fish", `Print the completion script for fish. The first example loads it into this
shell, the second one into every new shell.`, "  stile completion fish | source\n  stile completion fish > ~/.config/fish/completions/stile.fish",
			func(root *cobra.Command, out io.Writer) error { return root.GenFishCompletion(out, true) }))
	return c
}

func completionFor(shell, long, example string, write func(root *cobra.Command, out io.Writer) error) *cobra.Command {
	return &cobra.Command{Use: shell, Short: "print the script for " + shell, Long: long, Example: example,
		Args: syntax.Takes(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return write(c.Root(), c.OutOrStdout()) }}
}
