package commands

import (
	"cmp"
	"log/slog"
	"os"

	"stile.example/stile/settings"
	"stile.example/stile/store/breaker"
)

// settings reads the settings: from the file, the environment, --data and, for serve and check, a
// flag for each setting.
func (p *program) settings(flags map[string]string) (*settings.Settings, error) {
	return p.settingsWith(nil, flags)
}

// settingsWith reads the settings with other defaults than usual.
func (p *program) settingsWith(defaults, flags map[string]string) (*settings.Settings, error) {
	src := settings.Source{Defaults: defaults, File: p.settingsFile(), Env: p.env, Flags: map[string]string{}}
	for name, text := range flags {
		src.Flags[name] = text
	}
	if p.data != "" {
		src.Flags["data"] = p.data
	}
	return settings.Load(src)
}

// settingsFile returns the name of the settings file, or "" if there is none.
func (p *program) settingsFile() string {
	if file := cmp.Or(p.config, p.getenv("STILE_CONFIG")); file != "" {
		return file
	}
	if _, err := os.Stat("stile.yaml"); err == nil {
		return "stile.yaml"
	}
	return ""
}

func (p *program) getenv(name string) (value string) {
	for _, entry := range p.env {
		if len(entry) > len(name) && entry[:len(name)] == name && entry[len(name)] == '=' {
			value = entry[len(name)+1:]
		}
	}
	return value
}

// logger returns a logger that writes to standard error, in the format that the settings say.
func (p *program) logger(s *settings.Settings) *slog.Logger {
	opt, out := &slog.HandlerOptions{Level: s.Log.Level}, p.log
	if out == nil {
		out = p.err
	}
	if s.Log.JSON {
		return slog.New(breaker.Quiet(slog.NewJSONHandler(out, opt)))
	}
	return slog.New(breaker.Quiet(slog.NewTextHandler(out, opt)))
}
