package valkey

import (
	"context"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"

	"github.com/redis/rueidis"
)

// A script is sent by its hash. A server that does not have it gets the text, and keeps it.
type script struct{ text, hash string }

var (
	//go:embed swap.lua
	swapText string
	//go:embed epoch.lua
	epochText string

	swapScript  = newScript(swapText)
	epochScript = newScript(epochText)
)

// Statuses of swapScript.
const (
	statusKept    = 0
	statusSwapped = 1
	statusUsed    = 2
	statusForgot  = 3
)

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) // names the script, as the protocol wants it; protects nothing
	return script{text, hex.EncodeToString(sum[:])}
}

// run runs a script. NOSCRIPT follows a restart, a failover or SCRIPT FLUSH.
func (e *Engine) run(ctx context.Context, l *lane, s script, keys, args []string) (rueidis.RedisMessage, error) {
	r := e.do(ctx, l, func(b rueidis.Builder) rueidis.Completed {
		return b.Evalsha().Sha1(s.hash).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
	})
	if code(r.Error()) == "NOSCRIPT" {
		r = e.do(ctx, l, func(b rueidis.Builder) rueidis.Completed {
			return b.Eval().Script(s.text).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build()
		})
	}
	return r.ToMessage()
}
