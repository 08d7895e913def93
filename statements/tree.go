package statements

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Tree computes the root of the Merkle tree of lines, as RFC 6962 and package tlog define it. It
// keeps one hash for each level. The zero Tree is empty.
type Tree struct {
	lines int64
	stack []tlog.Hash // of the complete subtrees, the largest first
	text  []byte      // reused
}

// Add adds a line.
func (t *Tree) Add(l Line) {
	t.text = l.AppendText(t.text[:0])
	t.push(tlog.RecordHash(t.text), 1)
}

// push adds the hash of a subtree of so many lines, a power of two. All subtrees that were added
// before must have at least as many.
func (t *Tree) push(h tlog.Hash, lines int64) {
	for n := t.lines / lines; n&1 == 1; n >>= 1 {
		last := len(t.stack) - 1
		h = tlog.NodeHash(t.stack[last], h)
		t.stack = t.stack[:last]
	}
	t.stack = append(t.stack, h)
	t.lines += lines
}

// Join adds the lines of a chunk. All chunks that were joined before must be full.
func (t *Tree) Join(chunk Tree) {
	if chunk.lines < ChunkLines {
		t.stack = append(t.stack, chunk.stack...)
		t.lines += chunk.lines
		return
	}
	t.push(chunk.Root(), ChunkLines)
}

// Root returns the root.
func (t *Tree) Root() tlog.Hash {
	if t.lines == 0 {
		empty, _ := tlog.TreeHash(0, nil) // does not read, so it can't fail
		return empty
	}
	last := len(t.stack) - 1
	h := t.stack[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(t.stack[i], h)
	}
	return h
}

// ChunkLines is how many lines are stored together. It is a power of two, so that a full chunk is a
// subtree.
const ChunkLines = 1 << chunkLevel

const chunkLevel = 10

// Chunk is lines that are stored together: [ChunkLines] of them, or fewer at the end.
type Chunk struct {
	First int64     // index of the first line, from 0
	Hash  tlog.Hash // root of the tree of these lines
	Lines []byte    // see AppendLine
}

// chunks is the hashes of a statement's full chunks, and the lines of some chunks.
type chunks struct {
	hashes []tlog.Hash
	lines  func(first int64) ([]Line, error) // of the chunk that begins with a line
}

// ReadHashes implements [tlog.HashReader].
func (c *chunks) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if list[i], err = c.hash(level, n); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// hash returns the n-th hash of a level.
func (c *chunks) hash(level int, n int64) (tlog.Hash, error) {
	switch {
	case level == chunkLevel && n < int64(len(c.hashes)):
		return c.hashes[n], nil
	case level >= chunkLevel:
		left, err := c.hash(level-1, 2*n)
		if err != nil {
			return tlog.Hash{}, err
		}
		right, err := c.hash(level-1, 2*n+1)
		return tlog.NodeHash(left, right), err
	}
	first := n << level
	lines, err := c.lines(first &^ (ChunkLines - 1))
	if err != nil {
		return tlog.Hash{}, err
	}
	from, to := first&(ChunkLines-1), first&(ChunkLines-1)+1<<level
	if to > int64(len(lines)) {
		return tlog.Hash{}, errStored
	}
	var t Tree
	for _, l := range lines[from:to] {
		t.Add(l)
	}
	return t.Root(), nil
}

// Proof proves that a line is part of a statement. As text, it has at most 1 KB for two million
// lines.
type Proof struct {
	Index  int64 // of the line, from 0
	Lines  int64 // of the statement
	Line   Line
	Hashes tlog.RecordProof
}

const proofTitle = "stile proof 1"

// String returns the proof as text: a title, the line's index and the number of lines, the line,
// and the hashes in base64.
func (p Proof) String() string {
	var hashes []byte
	for _, h := range p.Hashes {
		hashes = append(hashes, h[:]...)
	}
	return fmt.Sprintf("%s\n%d %d\n%s\n%s\n", proofTitle, p.Index, p.Lines, p.Line.AppendText(nil), base64.StdEncoding.EncodeToString(hashes))
}

// ParseProof reads a proof.
func ParseProof(text string) (p Proof, err error) {
	f := strings.Split(text, "\n")
	if len(f) != 5 || f[0] != proofTitle || f[4] != "" {
		return p, errors.New("is not a proof: it must have four lines, the first of which is " + proofTitle)
	}
	index, lines, _ := strings.Cut(f[1], " ")
	if p.Index, err = strconv.ParseInt(index, 10, 64); err == nil {
		p.Lines, err = strconv.ParseInt(lines, 10, 64)
	}
	if err != nil || p.Index < 0 || p.Index >= p.Lines {
		return Proof{}, errors.New("line 2: must be the index of the line, and the number of lines")
	}
	if p.Line, err = ParseLine(f[2]); err != nil {
		return Proof{}, fmt.Errorf("line 3: %w", err)
	}
	hashes, err := base64.StdEncoding.Strict().DecodeString(f[3])
	if err != nil || len(hashes)%tlog.HashSize != 0 {
		return Proof{}, errors.New("line 4: must be hashes in base64")
	}
	for ; len(hashes) > 0; hashes = hashes[tlog.HashSize:] {
		p.Hashes = append(p.Hashes, tlog.Hash(hashes[:tlog.HashSize]))
	}
	if p.String() != text {
		return Proof{}, errors.New("is not written as stile writes it")
	}
	return p, nil
}

// Check returns an error unless the line is in the statement.
func (p Proof) Check(s Statement) error {
	root, err := tlog.ParseHash(s.Root)
	if err != nil {
		return fmt.Errorf("the statement's root can't be read: %w", err)
	}
	if p.Lines != s.Lines {
		return fmt.Errorf("the proof is for a statement with %d lines, and this one has %d", p.Lines, s.Lines)
	}
	if err := tlog.CheckRecord(p.Hashes, p.Lines, root, p.Index, tlog.RecordHash(p.Line.AppendText(nil))); err != nil {
		return fmt.Errorf("the line is not in the statement of %s for %s: the hashes do not lead to its root", s.Tenant, s.Month)
	}
	return nil
}
