package commands

import (
	"time"

	"stile.example/stile/commands/upkeep"
	"stile.example/stile/settings"
)

// upkeep returns the commands for the data directory as a whole.
func (p *program) upkeep() upkeep.Commands {
	return upkeep.Commands{
		Program: host{p}, Settings: func() (*settings.Settings, error) { return p.settings(nil) },
		SettingsWith: p.settings,
		Executor:     p.executor, PerformBy: performBy, Logger: p.logger, Again: p.again, Now: func() time.Time { return p.now() },
	}
}
