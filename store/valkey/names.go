package valkey

import (
	"encoding/base64"
	"strconv"
	"strings"
	"sync"

	"stile.example/stile/store/states"
)

// Names of keys. A part in braces is a hash tag: a Cluster keeps all keys with the same tag on one
// server. So the value of a token and its used proofs are together.
//
//	t:{id}            a value, by its kind; the id in base64url
//	p:{id}:digest     what was used once with that id
//	e                 the epoch; in a Cluster e:{tag}, one for each slot
//	r, r:{tag}        written to see whether the server can be written
//	i, i:{tag}        whose states these are

const (
	maxPrefix = 64
	slotCount = 16384
)

var idEncoding = base64.RawURLEncoding

// names makes the names of keys.
type names struct {
	prefix string
	tags   *[slotCount]string // nil: not a Cluster
}

func newNames(prefix string, cluster bool) names {
	n := names{prefix: prefix}
	if cluster {
		n.tags = slotTags()
	}
	return n
}

// value returns the key of a value, and its slot, 0 if there are no slots.
func (n names) value(k states.Key) (key string, slot int) {
	b := make([]byte, 0, len(n.prefix)+len("t:{}")+idEncoding.EncodedLen(len(k.ID)))
	b = append(b, n.prefix...)
	b = append(b, k.Kind, ':', '{')
	start := len(b)
	b = idEncoding.AppendEncode(b, []byte(k.ID))
	if n.tags != nil {
		slot = slotOf(b[start:])
	}
	return string(append(b, '}')), slot
}

// once returns the key of what was used once with an id.
func (n names) once(k states.Key, digest [16]byte) string {
	b := make([]byte, 0, len(n.prefix)+len("p:{}:")+idEncoding.EncodedLen(len(k.ID))+22)
	b = append(b, n.prefix...)
	b = append(b, "p:{"...)
	b = idEncoding.AppendEncode(b, []byte(k.ID))
	b = append(b, "}:"...)
	return string(idEncoding.AppendEncode(b, digest[:]))
}

// epoch returns the key of the epoch of a slot.
func (n names) epoch(slot int) string { return n.inSlot("e", slot) }

// owner returns the key of the owner.
func (n names) owner() string { return n.inSlot("i", ownerSlot) }

// probe returns a key of a slot that anything may be written to.
func (n names) probe(slot int) string { return n.inSlot("r", slot) }

func (n names) inSlot(name string, slot int) string {
	if n.tags == nil {
		return n.prefix + name
	}
	return n.prefix + name + ":{" + n.tags[slot] + "}"
}

// pattern returns the pattern of SCAN for the values of a kind.
func (n names) pattern(kind byte) string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
	return escape.Replace(n.prefix) + string(rune(kind)) + ":{*}"
}

// key returns what the name of a value's key says. It is false if the name is another one.
func (n names) key(name string) (k states.Key, ok bool) {
	rest, ok := strings.CutPrefix(name, n.prefix)
	if !ok || len(rest) < len("t:{}") || rest[1:3] != ":{" || rest[len(rest)-1] != '}' {
		return k, false
	}
	id, err := idEncoding.Strict().DecodeString(rest[3 : len(rest)-1])
	return states.Key{Kind: rest[0], ID: string(id)}, err == nil
}

// slotTags returns a hash tag for each slot of a Cluster, the shortest that counting up finds.
var slotTags = sync.OnceValue(func() *[slotCount]string {
	tags := &[slotCount]string{}
	for i, found := int64(0), 0; found < slotCount; i++ {
		tag := strconv.FormatInt(i, 36)
		if slot := slotOf([]byte(tag)); tags[slot] == "" {
			tags[slot] = tag
			found++
		}
	}
	return tags
})

// slotOf returns the slot of a hash tag: CRC-16/XMODEM, as the specification of Redis Cluster says.
func slotOf(tag []byte) int {
	crc := uint16(0)
	for _, b := range tag {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^b]
	}
	return int(crc % slotCount)
}

var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}()
