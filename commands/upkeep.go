package commands

import (
	"io"
	"time"

	"stile.example/stile/commands/upkeep"
	"stile.example/stile/settings"
)

// upkeep returns the commands for the data directory as a whole.
func (p *program) upkeep() upkeep.Program {
	return upkeep.Program{
		Settings: func() (*settings.Settings, error) { return p.settings(nil) },
		Executor: p.executor, Perform: performBy, Logger: p.logger, Again: p.again, Replace: p.replace, Write: writeFile,
		Prints: p.prints, AddYes: addYes, Now: func() time.Time { return p.now() },
		To: func() (out, err io.Writer, json bool) { return p.out, p.err, p.json }, Spelt: p.asCalled,
	}
}
