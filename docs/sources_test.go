package docs_test

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A source is a file that is read. Its kind says how.
type source struct {
	name string // from the root of the project, with slashes
	kind string
	text string
}

// kinds names the kind of a file by how its name ends.
var kinds = map[string]string{
	".md": "md", ".go": "go", ".mod": "mod",
	".ts": "ts", ".js": "js", ".mjs": "js", ".java": "comments", ".php": "comments",
	".html": "html", ".svg": "html", ".xml": "html", ".css": "css", ".sql": "sql", ".py": "py",
	".sh": "sh", ".yaml": "sh", ".yml": "sh", ".properties": "sh", "Makefile": "sh", ".gitignore": "sh",
	".txt": "sh", // the stories
}

// skipped are the directories that hold data, or what others wrote or a program generated.
var skipped = []string{".git", "node_modules", "testdata", "rapid", "target", "venv", "shots"}

// stories are the directories of test data whose comments are read.
var stories = []string{"tokens/testdata", "addresses/testdata"}

// skippedPaths are those with an ordinary name.
var skippedPaths = []string{"bin", "data", "widgets/dist", "static/demo/media"}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.\r?$`)

// sources reads the files of the project whose path begins with the prefix.
func sources(t *testing.T, prefix string) []source {
	t.Helper()
	var all []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			isSkipped := slices.Contains(skipped, d.Name()) || slices.Contains(skippedPaths, name)
			if isSkipped && !slices.Contains(stories, name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !strings.HasPrefix(name, strings.TrimPrefix(prefix, "./")) {
			return nil
		}
		file, err := readSource(root, name)
		if err == nil && file.kind != "" && !generated.MatchString(file.text) {
			all = append(all, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no file begins with %q", prefix)
	}
	return all
}

// readSource reads a file if its kind is known. A script without an extension is known by its
// first line.
func readSource(root fs.FS, name string) (source, error) {
	kind := kinds[path.Ext(name)]
	if path.Ext(name) == "" {
		kind = kinds[path.Base(name)]
	}
	if kind == "" && path.Ext(name) != "" {
		return source{}, nil
	}
	text, err := fs.ReadFile(root, name)
	if kind == "" && strings.HasPrefix(string(text), "#!") {
		kind = "sh"
	}
	return source{name, kind, string(text)}, err
}

// passagesOf returns what people read in a file.
func passagesOf(file source) []passage {
	switch file.kind {
	case "md":
		return markdown(file.text)
	case "go":
		return goPassages(file)
	case "mod":
		return lineComments(file.text, slashComment)
	case "ts", "js":
		return script(file.text, 1, true)
	case "comments":
		return script(file.text, 1, false)
	case "html":
		return page(file.text)
	case "css":
		return blocks(file.text, 1, cssComment)
	case "sql":
		return append(blocks(file.text, 1, cssComment), lineComments(file.text, sqlComment)...)
	case "py":
		return append(blocks(file.text, 1, docString), lineComments(file.text, hashComment)...)
	}
	return lineComments(file.text, hashComment)
}
