package terms

import (
	"math"
	"strconv"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/corpus/words"
)

// The facets of an item's dates. An attribute with the same name can't be queried by range.
const (
	PublishedAt = "published_at"
	UpdatedAt   = "updated_at"
)

// A number is indexed by the values of blocks that contain it: all floats whose binary forms have
// the same first bits. A range of numbers then consists of few blocks, however many different
// numbers are in it: at most 15 of a level at each end. The smallest blocks have a relative width
// of a millionth. The rest at the two ends is found by the numbers themselves.
const (
	firstLevel = 12 // bits: the sign and the exponent, so a block is from one power of two to the next
	lastLevel  = 32
	levelStep  = 4
)

// blockFacet begins the names of the facets of blocks, and dateFacet those of dates. No attribute's
// name contains these control characters.
const (
	blockFacet = "\x01"
	dateFacet  = "\x02"
)

// RangeFacet returns the facet whose values a range of this name compares.
func RangeFacet(name string) string {
	if name == PublishedAt || name == UpdatedAt {
		return dateFacet + name
	}
	return words.Name(name)
}

// Blocks is a sequence of blocks of one level. The number of a block is the first bits of all
// numbers in it.
type Blocks struct {
	Level       int // how many bits
	First, Last uint64
}

// BlockFacet returns the facet of the blocks of one level, for a range's facet. The number of a
// block is its value.
func BlockFacet(facet string, level int) string {
	return blockFacet + string(rune('A'+(level-firstLevel)/levelStep)) + facet
}

// BlocksIn returns the blocks that a range from min to max consists of. Between min and from, and
// between to and max, are numbers that are in no block: the two ends, which must be compared
// themselves. If no block fits into the range, from is larger than max.
func BlocksIn(min, max float64) (blocks []Blocks, from, to float64) {
	const shift = 64 - lastLevel
	low, high := sortable(min), sortable(max)
	// The first and the last of the smallest blocks that are complete in the range.
	first := low >> shift
	if low&(1<<shift-1) != 0 {
		first++
	}
	end := high >> shift // the block after the last
	if high&(1<<shift-1) == 1<<shift-1 {
		end++
	}
	if first >= end {
		return nil, math.Inf(1), math.Inf(-1)
	}
	from, to = number(first<<shift), number(end<<shift-1)
	for level := lastLevel; ; level -= levelStep {
		if level == firstLevel {
			return appendBlocks(blocks, level, first, end), from, to
		}
		const mask = 1<<levelStep - 1
		up, down := (first+mask)&^uint64(mask), end&^uint64(mask)
		if up >= down {
			return appendBlocks(blocks, level, first, end), from, to
		}
		blocks = appendBlocks(blocks, level, first, up)
		blocks = appendBlocks(blocks, level, down, end)
		first, end = up>>levelStep, down>>levelStep
	}
}

func appendBlocks(blocks []Blocks, level int, first, end uint64) []Blocks {
	if first < end {
		blocks = append(blocks, Blocks{level, first, end - 1})
	}
	return blocks
}

// sortable returns a number's binary form, changed so that it has the order of the numbers.
func sortable(n float64) uint64 {
	bits := math.Float64bits(n)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// number is the inverse of sortable.
func number(bits uint64) float64 {
	if bits>>63 == 1 {
		return math.Float64frombits(bits &^ (1 << 63))
	}
	return math.Float64frombits(^bits)
}

// rangeValuesOf adds the values by which range filters find an item: its dates, and the blocks of
// all its numbers and dates.
func rangeValuesOf(it content.Item, values []Value) []Value {
	for _, date := range []struct {
		name string
		at   time.Time
	}{{PublishedAt, it.PublishedAt}, {UpdatedAt, it.UpdatedAt}} {
		if !date.at.IsZero() {
			values = append(values, Value{RangeFacet(date.name), date.at.UTC().Format(time.RFC3339)})
		}
	}
	seen := map[Value]bool{}
	for _, v := range values {
		n, ok := v.Number()
		if !ok {
			continue
		}
		for level := firstLevel; level <= lastLevel; level += levelStep {
			block := Value{BlockFacet(v.Facet, level), strconv.FormatUint(sortable(n)>>(64-level), 10)}
			if !seen[block] {
				seen[block] = true
				values = append(values, block)
			}
		}
	}
	return values
}

// Number returns the number that range filters compare, if the value has one.
func (v Value) Number() (float64, bool) {
	if v.Facet == Collection || v.Facet == Tag || v.Facet == PublishedAt || v.Facet == UpdatedAt {
		return 0, false
	}
	n, _, ok := content.Number(v.Text)
	return n, ok
}
