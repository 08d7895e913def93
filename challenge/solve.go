package challenge

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
)

// Solution is a counter and its key.
type Solution struct {
	Counter uint32
	Key     []byte
}

// Solve tries one counter after another, as a browser does. The server does not use it: it is for
// programs that use the API, and for benchmarks.
func Solve(ctx context.Context, p Parameters) (Solution, error) {
	prefix, err := hex.DecodeString(p.KeyPrefix)
	if err != nil || len(prefix) == 0 {
		return Solution{}, fmt.Errorf("key prefix %q: must be hexadecimal", p.KeyPrefix)
	}
	for counter := uint32(0); ; counter++ {
		key, err := p.Key(counter)
		if err != nil {
			return Solution{}, err
		}
		if bytes.HasPrefix(key, prefix) {
			return Solution{counter, key}, nil
		}
		if err := ctx.Err(); err != nil {
			return Solution{}, err
		}
	}
}
