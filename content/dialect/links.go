package dialect

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
)

// maxTargets is the maximum size of all URLs and titles of a text's links and pictures, in bytes.
// Only references can exceed it, because each use of [a] repeats what [a] leads to: 136 kB with a
// URL of 100 kB became 900 MB of HTML.
const maxTargets = 1 << 20

// Repeated refuses a text whose references would repeat too much.
func Repeated(doc ast.Node) error {
	size := 0
	return ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		var target, title []byte
		switch n := n.(type) {
		case *ast.Link:
			target, title = n.Destination, n.Title
		case *ast.Image:
			target, title = n.Destination, n.Title
		}
		if size += len(target) + len(title); size > maxTargets {
			return ast.WalkStop, fmt.Errorf("links: must have at most %d bytes of URLs and titles, with those that references repeat, such as %.60q", maxTargets, target)
		}
		return ast.WalkContinue, nil
	})
}
