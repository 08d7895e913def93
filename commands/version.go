package commands

import (
	"runtime/debug"

	"github.com/mattn/go-sqlite3"
	"github.com/spf13/cobra"

	"stile.example/stile/commands/printing"
	"stile.example/stile/commands/syntax"
)

// versionView is what `version --json` prints.
type versionView struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // with a + if files had been changed; empty: unknown
	Go      string `json:"go"`
	SQLite  string `json:"sqlite"`
}

func (p *program) versionCommand() *cobra.Command {
	return p.prints(&cobra.Command{Use: "version", Short: "print the version",
		Long:    "Print the version, the commit that it was built from, and the versions of Go and\nSQLite.",
		Example: "  stile version --json",
		Args:    syntax.Takes(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := version()
			if p.json {
				return printing.JSON(p.out, v)
			}
			return printing.Card(p.out, "stile", v.Version, "commit", printing.OrDash(v.Commit), "go", v.Go, "sqlite", v.SQLite)
		}})
}

func version() versionView {
	v := versionView{Version: "(devel)"}
	v.SQLite, _, _ = sqlite3.Version()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			v.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if v.Commit != "" {
		v.Commit += changed
	}
	return v
}
