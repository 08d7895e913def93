package replica

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// ChunkSize is the size of a chunk in bytes. The last one of a file may be smaller.
const ChunkSize = 1 << 20

// Format is the format of manifests and chunks that this program writes. It can't read newer ones.
const Format = 1

// maxSize bounds the size of a corpus file: 1 TiB.
const maxSize = 1 << 40

// Hash is the SHA-256 hash of a chunk.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Change is a change of the corpus, which published a generation.
type Change struct {
	Generation int64     `json:"generation"`
	Previous   int64     `json:"previous"`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"` // import, remove or undo
	Owner      uint32    `json:"owner"`
	Source     string    `json:"source,omitempty"`
	Added      int       `json:"added"`
	Updated    int       `json:"updated"`
	Removed    int       `json:"removed"`
}

// Manifest describes a generation.
type Manifest struct {
	Format     int       `json:"format"`
	Generation int64     `json:"generation"`
	Parent     int64     `json:"parent"` // the generation that it replaced
	ID         string    `json:"id"`     // random: of two manifests with one number, after a restore
	At         time.Time `json:"at"`     // when it was published
	Size       int64     `json:"size"`   // of the file, in bytes
	Hashes     Hashes    `json:"hashes"`
	Change     *Change   `json:"change,omitempty"` // nil: the change can't be undone
}

// Hashes are those of a file's chunks. JSON has them as one text in base64.
type Hashes []Hash

// MarshalJSON implements [json.Marshaler].
func (h Hashes) MarshalJSON() ([]byte, error) {
	all := make([]byte, 0, len(h)*sha256.Size)
	for _, one := range h {
		all = append(all, one[:]...)
	}
	return json.Marshal(all)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Hashes) UnmarshalJSON(b []byte) error {
	var all []byte
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	if len(all)%sha256.Size != 0 {
		return fmt.Errorf("%d bytes are not a list of hashes", len(all))
	}
	*h = make(Hashes, 0, len(all)/sha256.Size)
	for ; len(all) > 0; all = all[sha256.Size:] {
		*h = append(*h, Hash(all[:sha256.Size]))
	}
	return nil
}

// NewID returns a random ID of a manifest.
func NewID() string { return rand.Text() }

// Encode returns the manifest as it is stored.
func (m Manifest) Encode() ([]byte, error) { return json.Marshal(m) }

// DecodeManifest reads a stored manifest and checks that it agrees with itself.
func DecodeManifest(b []byte) (m Manifest, err error) {
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("manifest of a generation: %w", err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("generation %d has format %d, and this program reads %d: update this node", m.Generation, m.Format, Format)
	}
	if m.Generation < 1 || m.ID == "" || m.Size < 1 || m.Size > maxSize || int64(len(m.Hashes)) != chunksOf(m.Size) {
		return m, fmt.Errorf("manifest of generation %d: %w", m.Generation, ErrDamaged)
	}
	return m, nil
}

// chunksOf returns how many chunks a file of a size has.
func chunksOf(size int64) int64 { return (size + ChunkSize - 1) / ChunkSize }

// sizeOf returns the size of a chunk.
func (m Manifest) sizeOf(chunk int) int {
	return int(min(ChunkSize, m.Size-int64(chunk)*ChunkSize))
}

// DiffersMuch reports whether more than an eighth of a file's chunks differ from those that have
// hashes.
func (m Manifest) DiffersMuch(have Hashes) bool {
	n := 0
	for i, want := range m.Hashes {
		if has, known := have.at(i); !known || has != want {
			n++
		}
	}
	return n > len(m.Hashes)/8
}

// at returns the hash of a chunk, ok is false beyond the end.
func (h Hashes) at(chunk int) (_ Hash, ok bool) {
	if chunk >= len(h) {
		return Hash{}, false
	}
	return h[chunk], true
}
