package operations

import (
	"time"

	"stile.example/stile/settings"
)

// Duration is a time.Duration that is text in JSON, written as in the settings: "90s", "24h", "7d".
type Duration time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (d Duration) MarshalText() ([]byte, error) { return []byte(settings.Short(time.Duration(d))), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := settings.ParseDuration(string(text))
	*d = Duration(v)
	return err
}
