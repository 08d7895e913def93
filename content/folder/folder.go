// Package folder finds the Markdown files of a folder, and gives different ids to them.
//
// Hidden files and folders, node_modules, and what an operator excludes are skipped. Links are not
// followed, and nothing outside the folder can be reached.
package folder

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/text/unicode/norm"

	"stile.example/stile/content/format"
)

// maxDepth is the maximum nesting of folders.
const maxDepth = 16

// File is a Markdown file, or a name that can't be read.
type File struct {
	Name   string // the path in the folder, with slashes
	Err    error  // why it can't be imported
	Broken bool   // Err is an error of the system
	Other  bool   // it is in a dialect that is not read: see [Find]
}

// Files are the Markdown files of a folder, in the order of their names.
type Files struct {
	All []File
	ids map[string]string // of files whose id would be another's

	Unmatched []string // the patterns that matched nothing
}

// Find returns the Markdown files of a folder and its subfolders, without those that the patterns
// match, and the names of text in other dialects, which are not read. dir is the folder's name in
// messages. It is an error if there are no Markdown files.
func Find(ctx context.Context, dir string, root *os.Root, exclude []string) (*Files, error) {
	s := search{ctx: ctx, root: root}
	for _, p := range exclude {
		if err := s.exclude(p); err != nil {
			return nil, err
		}
	}
	s.walk(".", 0)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(s.files) == s.skipped.others {
		return nil, s.nothing(dir)
	}
	return &Files{All: s.files, Unmatched: s.unmatched()}, nil
}

// pattern is a pattern of names that are excluded.
type pattern struct {
	written string // by the operator
	glob    string
	matched bool
}

type search struct {
	ctx      context.Context
	root     *os.Root
	patterns []pattern
	files    []File
	skipped  struct{ excluded, hidden, links, others int }
}

// exclude adds a pattern. One without a slash matches names in all folders, as in .gitignore.
func (s *search) exclude(written string) error {
	p := norm.NFC.String(strings.Trim(strings.TrimPrefix(written, "./"), "/"))
	if p == "" || !doublestar.ValidatePattern(p) {
		return fmt.Errorf("exclude %q: must be a pattern of names in the folder, such as drafts, *.draft.md or posts/**/old-*", written)
	}
	if !strings.Contains(written, "/") {
		p = "**/" + p
	}
	s.patterns = append(s.patterns, pattern{written: written, glob: p})
	return nil
}

// isExcluded reports whether a pattern matches a name.
func (s *search) isExcluded(name string) bool {
	excluded := false
	for i := range s.patterns {
		p := &s.patterns[i]
		if doublestar.MatchUnvalidated(p.glob, norm.NFC.String(name)) {
			p.matched, excluded = true, true
		}
	}
	return excluded
}

// unmatched returns the patterns that matched nothing.
func (s *search) unmatched() (written []string) {
	for _, p := range s.patterns {
		if !p.matched {
			written = append(written, p.written)
		}
	}
	return written
}

func (s *search) add(name string, broken bool, err error) {
	s.files = append(s.files, File{Name: name, Err: err, Broken: broken})
}

func (s *search) walk(dir string, depth int) {
	if depth > maxDepth {
		s.add(dir, false, fmt.Errorf("must be at most %d folders deep", maxDepth))
		return
	}
	entries, err := s.list(dir)
	if err != nil {
		s.add(dir, true, err)
	}
	for _, e := range entries {
		if s.ctx.Err() != nil {
			return
		}
		s.entry(path.Join(dir, e.Name()), e, depth)
	}
}

func (s *search) list(dir string) ([]os.DirEntry, error) {
	d, err := s.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (s *search) entry(name string, e os.DirEntry, depth int) {
	switch {
	case isHidden(e.Name()), e.IsDir() && e.Name() == "node_modules":
		s.skipped.hidden++
	case s.isExcluded(name):
		s.skipped.excluded++
	case e.IsDir():
		s.walk(name, depth+1)
	case e.Type().IsRegular() && slices.Contains(others, strings.ToLower(path.Ext(name))):
		s.skipped.others++
		s.files = append(s.files, File{Name: name, Other: true})
	case !format.IsMarkdown(name):
		if e.Type()&os.ModeSymlink != 0 {
			s.skipped.links++
		}
	case e.Type().IsRegular():
		s.add(name, false, nil)
	default:
		s.add(name, false, fmt.Errorf("must be a regular file: links are not followed; copy the file, or leave it out with --exclude"))
	}
}

// isHidden reports whether a name is hidden. One that is only dots before its end, such as the page
// of the command . in ..md, is a name of signs.
func isHidden(name string) bool {
	dots := strings.TrimLeft(name, ".")
	return len(dots) < len(name) && !(len(name)-len(dots) > 1 && format.IsMarkdown("."+dots) && !strings.Contains(dots, "."))
}

// others lists the endings of texts that are like Markdown, and would be read wrongly.
var others = []string{".mdx", ".qmd", ".rmd", ".rst", ".adoc", ".asciidoc"}

// nothing says what was looked for, and what was skipped.
func (s *search) nothing(dir string) error {
	var skipped []string
	for _, k := range []struct {
		n    int
		what string
	}{
		{s.skipped.excluded, "excluded by --exclude"},
		{s.skipped.hidden, "hidden or node_modules"},
		{s.skipped.links, "links, which are not followed"},
		{s.skipped.others, "not Markdown as stile reads it, such as .mdx"},
	} {
		if k.n > 0 {
			skipped = append(skipped, fmt.Sprintf("%d %s", k.n, k.what))
		}
	}
	note := ""
	if len(skipped) > 0 {
		note = " (skipped: " + strings.Join(skipped, ", ") + ")"
	}
	return fmt.Errorf("%s: has no Markdown files: looked for names that end with .md, .markdown, .mkd or .mdown, in the folder and its subfolders%s", dir, note)
}
