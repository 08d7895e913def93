package server

import (
	"reflect"
	"testing"

	"stile.example/stile/nodes"
)

// TestByNodes checks that a node with the wrong settings gets one line, not one for each setting.
func TestByNodes(t *testing.T) {
	got := byNodes([]nodes.Difference{
		{Setting: "binding", Nodes: []string{"a", "b"}},
		{Setting: "hijack", Nodes: []string{"b"}},
		{Setting: "site", Nodes: []string{"a", "b"}},
	})
	want := []differing{{"a, b", []string{"binding", "site"}}, {"b", []string{"hijack"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
