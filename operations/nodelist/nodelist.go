// Package nodelist has the operation that lists the nodes that share a database.
package nodelist

import (
	"context"
	"slices"
	"time"

	"stile.example/stile/datadir"
	"stile.example/stile/nodes"
)

// None is the input of an operation that has no parameters.
type None struct{}

// View is a node.
type View struct {
	Number     uint32    `json:"number"` // no other node has or had it
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`  // server or command
	State      string    `json:"state"` // live, or silent: it has said nothing for 5 s
	Version    string    `json:"version"`
	Address    string    `json:"address"` // of its public listener
	StartedAt  time.Time `json:"started_at"`
	SeenAt     time.Time `json:"seen_at"`
	Generation int64     `json:"generation"` // of the corpus that it serves
	// Settings that all nodes must share, and in which it differs from the node that responds.
	Differs []string `json:"settings_differ"`
	// SameName says that another live node has its name, so that messages don't say which is meant.
	SameName bool `json:"same_name"`
	// Tasks are what it does alone at the moment.
	Tasks []Task `json:"tasks"`
	// IsThis says that it is the node that responds.
	IsThis bool `json:"is_this"`
}

// Task is something that one node does at a time.
type Task struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// List returns the nodes. If there is only one server, with a store of its own, it returns none.
func List(ctx context.Context, d *datadir.Dir, _ None) ([]View, error) {
	views := []View{}
	if d.Nodes == nil {
		return views, nil
	}
	all, err := d.Nodes.List(ctx)
	if err != nil {
		return nil, err
	}
	leases, err := d.Nodes.Leases(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range viewsOf(all, d.Nodes.Settings()) {
		v.IsThis = v.Number == d.Nodes.Number()
		for _, l := range leases {
			if l.Number == v.Number {
				v.Tasks = append(v.Tasks, Task{l.Name, l.Since})
			}
		}
		views = append(views, v)
	}
	return views, nil
}

// viewsOf returns nodes without their tasks. own are the settings of the node that responds.
func viewsOf(all []nodes.Row, own map[string]string) (views []View) {
	same := nodes.SameNames(all)
	for _, r := range all {
		v := view(r, own)
		v.SameName = r.Live() && r.Serves() && slices.Contains(same, r.Name)
		views = append(views, v)
	}
	return views
}

func view(r nodes.Row, own map[string]string) View {
	v := View{Number: r.Number, Name: r.Name, Kind: "command", State: "silent", Version: r.Version, Address: r.Address, StartedAt: r.Started, SeenAt: r.Seen,
		Generation: r.Generation, Differs: []string{}, Tasks: []Task{}}
	if r.Serves() {
		v.Kind = "server"
	}
	if r.Live() {
		v.State = "live"
	}
	for name, value := range own {
		if other, known := r.Settings[name]; known && other != value {
			v.Differs = append(v.Differs, name)
		}
	}
	slices.Sort(v.Differs)
	return v
}
