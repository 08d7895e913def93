package challenge

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
)

// Parameters are those of an ALTCHA v2 challenge: to find the counter whose key begins with
// KeyPrefix. The key is PBKDF2 of the password nonce ‖ counter (32 bits, big-endian). Nonce, Salt
// and KeyPrefix are hexadecimal.
type Parameters struct {
	Algorithm string `json:"algorithm"`
	Cost      int    `json:"cost"` // iterations of PBKDF2 for one key
	ExpiresAt int64  `json:"expiresAt"`
	KeyLength int    `json:"keyLength"`
	KeyPrefix string `json:"keyPrefix"`
	Nonce     string `json:"nonce"`
	Salt      string `json:"salt"`
}

// MaxLevel is the maximum work level.
const MaxLevel = 2

const (
	algorithm = "PBKDF2/SHA-256"
	keyLength = 32
	// cost is the number of iterations for one key. It is high enough that a browser's own overhead
	// for each key (docs/challenges.md) is a tenth of the time. It is low enough that the server,
	// which derives one key, takes a fifth of a millisecond.
	cost = 1000
)

// counters are the ends of each level's range. A browser tries every counter from 0 to the correct
// one, so its mean is half of the upper end. The ranges begin at 1, because everybody can read them
// here: a program that skips the counters that are never used would work less than a browser; with
// a range of 86 to 114, a seventh as much. The price is that the time varies from zero to twice the
// mean. docs/challenges.md has measured times.
var counters = [MaxLevel + 1]struct{ from, to uint32 }{
	{1, 600}, {1, 2000}, {1, 6000},
}

// newWork draws a random counter and derives its key.
func newWork(level uint8, expires int64) (Parameters, uint32, error) {
	counter, err := draw(counters[level].from, counters[level].to)
	if err != nil {
		return Parameters{}, 0, fmt.Errorf("draw a counter: %w", err)
	}
	var random [32]byte
	rand.Read(random[:])
	p := Parameters{
		Algorithm: algorithm, Cost: cost, ExpiresAt: expires, KeyLength: keyLength,
		Nonce: hex.EncodeToString(random[:16]), Salt: hex.EncodeToString(random[16:]),
	}
	key, err := p.Key(counter)
	if err != nil {
		return Parameters{}, 0, err
	}
	// KeyPrefix is half of the key. No other counter has it, and the rest is not published.
	p.KeyPrefix = hex.EncodeToString(key[:keyLength/2])
	return p, counter, nil
}

func draw(from, to uint32) (uint32, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(to-from)+1))
	if err != nil {
		return 0, err
	}
	return from + uint32(n.Uint64()), nil
}

// Key derives the key of one counter.
func (p Parameters) Key(counter uint32) ([]byte, error) {
	nonce, err := hex.DecodeString(p.Nonce)
	if err != nil {
		return nil, fmt.Errorf("read the nonce: %w", err)
	}
	salt, err := hex.DecodeString(p.Salt)
	if err != nil {
		return nil, fmt.Errorf("read the salt: %w", err)
	}
	if p.Algorithm != algorithm {
		return nil, fmt.Errorf("algorithm %q: must be %s", p.Algorithm, algorithm)
	}
	password := binary.BigEndian.AppendUint32(nonce, counter)
	return pbkdf2.Key(sha256.New, string(password), salt, p.Cost, p.KeyLength)
}
