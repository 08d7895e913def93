package content

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"stile.example/stile/content/folder"
)

// openFolder reads the Markdown files of a folder and its subfolders: see [folder.Find]. closed is
// the error of closing the handle by which the folder was recognised.
func openFolder(ctx context.Context, src Source, closed error) (*input, error) {
	root, err := os.OpenRoot(src.Path)
	if err = errors.Join(closed, err); err != nil {
		return nil, err
	}
	files, err := folder.Find(ctx, src.Path, root, src.Exclude)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	for _, pattern := range files.Unmatched {
		src.notice(Notice{File: src.Path, Problem: "--exclude " + pattern + " matched nothing: patterns are relative to the folder, and case counts"})
	}
	in := &input{folder: true, now: src.Now, close: root.Close}
	p := pages{root: root, dir: src.Path, named: src.Collection != "", in: in, files: files}
	files.Distinguish(p.needsID)
	in.records = p.records
	return in, nil
}

// pages reads the files of a folder.
type pages struct {
	root  *os.Root
	dir   string // as the operator wrote it
	named bool   // the collection is given, so folders do not name it
	in    *input
	files *folder.Files
}

func (p *pages) records(yield func(record) bool) {
	for _, f := range p.files.All {
		r := p.record(f.Name)
		switch at := (sourcePos{file: p.display(f.Name)}); {
		case f.Broken:
			r = bad(at, brokenError{f.Err})
		case f.Err != nil:
			r = bad(at, f.Err)
		case f.Other:
			r = bad(at, LeftOut{at.file, "not Markdown as stile reads it: " + path.Ext(f.Name)})
		}
		if !yield(r) {
			return
		}
	}
}

// record returns a record that reads a file when it is decoded.
func (p *pages) record(name string) record {
	display := p.display(name)
	return record{sourcePos{file: display, line: 1}, func() (Item, error) {
		if why := hiddenIn(name); why != "" {
			return Item{}, LeftOut{display, why}
		}
		file, err := p.root.Open(name)
		if err != nil {
			return Item{}, err
		}
		defer file.Close()
		it, err := markdownFile(p.in, display, name, &counter{file, &p.in.read}).decode()
		if it.ID == "" {
			it.ID = p.files.ID(name)
		}
		if first, _, inside := strings.Cut(name, "/"); inside && it.Collection == "" && !p.named {
			it.Collection = first
		}
		return it, err
	}}
}

// hiddenIn returns why a file in a folder of Jekyll is left out, or "": drafts have no mark of
// their own, and parts of pages are not pages.
func hiddenIn(name string) string {
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		switch part {
		case "_drafts":
			return "draft: it is in _drafts"
		case "_includes", "_layouts", "_data", "_sass":
			return "it is in " + part + ", which Jekyll does not publish"
		}
	}
	return ""
}

// needsID reports whether the file is imported, and its id is made from its name.
func (p *pages) needsID(name string) bool {
	if hiddenIn(name) != "" {
		return false
	}
	file, err := p.root.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	source, err := readMarkdown(p.display(name), file)
	if err != nil {
		return false
	}
	it, _, err := frontMatter(sourcePos{}, source, p.in.now)
	return err == nil && it.ID == ""
}

func (p *pages) display(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
