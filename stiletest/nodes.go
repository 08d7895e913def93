package stiletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Nodes makes a [Server] several processes that share a database, behind a load balancer. Its URL
// is that of the balancer, its AdminURL that of the first node, and each command runs on a node
// that is chosen at random.
type Nodes struct {
	Count     int
	Store     string // URL of PostgreSQL
	State     string // URL of Valkey or Redis, or "store"
	Affinity  bool   // the balancer sends requests with the same token to the same node
	Unwatched bool   // the balancer reads /readyz of no node

	list     []*Server
	balancer *balancer
}

// storeKey encrypts the keys in PostgreSQL.
const storeKey = "5d6f1f0b8d6c4b0f9e3a7c2d1b4a69788796a5b4c3d2e1f00f1e2d3c4b5a6978\n"

// Node returns a node, from 0. A test may stop, kill and start it, and call it without the
// balancer.
func (n *Nodes) Node(i int) *Server { return n.list[i] }

// All returns all nodes.
func (n *Nodes) All() []*Server { return n.list }

// startNodes starts the balancer and all nodes, at the same time.
func (s *Server) startNodes() (err error) {
	n := s.Nodes
	if s.URL == "" {
		if s.URL, err = freeURL(); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		return err
	}
	if n.list == nil {
		n.list = s.newNodes(l.Addr())
		if err := os.WriteFile(filepath.Join(s.Dir, "store.key"), []byte(storeKey), 0o600); err != nil {
			return err
		}
	}
	if err := n.each((*Server).Start); err != nil {
		l.Close()
		return err
	}
	s.AdminURL = n.list[0].AdminURL
	n.balancer = newBalancer(l, n)
	return nil
}

// newNodes returns nodes that are not started yet. They have the working directory in common, and
// data directories of their own.
func (s *Server) newNodes(addr net.Addr) (list []*Server) {
	_, port, _ := net.SplitHostPort(addr.String())
	for i := range s.Nodes.Count {
		name := fmt.Sprintf("node%d", i+1)
		text := fmt.Sprintf("%s\nnode: %s\ndata: %s\nstore: %q\nstate: %q\nstore_key_file: store.key\n", s.Settings, name, name, s.Nodes.Store, s.Nodes.State)
		if !strings.Contains(s.Settings, "public_url:") {
			text += "public_url: http://localhost:" + port + "\n"
		}
		list = append(list, &Server{Binary: s.Binary, Dir: s.Dir, Settings: text, Env: s.Env, name: name})
	}
	return list
}

// end ends all nodes, and the balancer.
func (n *Nodes) end(fn func(*Server) error) error {
	if n.balancer == nil {
		return nil
	}
	err := n.each(func(s *Server) error {
		if s.cmd == nil || s.cmd.Process == nil {
			return nil
		}
		return fn(s)
	})
	n.balancer.close()
	return err
}

// each calls fn for all nodes at the same time.
func (n *Nodes) each(fn func(*Server) error) error {
	errs := make([]error, len(n.list))
	var all sync.WaitGroup
	for i, s := range n.list {
		all.Go(func() {
			if err := fn(s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// log returns what all nodes have written since their last starts.
func (n *Nodes) log() string {
	var text strings.Builder
	for _, s := range n.list {
		text.WriteString(s.Log())
	}
	return text.String()
}

// changes reports whether a command may change what nodes keep in memory.
func changes(args []string) bool {
	switch args[0] {
	case "tenant", "address", "content", "key", "webhook", "issuer":
		return len(args) < 2 || args[1] != "list" && args[1] != "show" && args[1] != "proposals"
	}
	return false
}

// awaitNews waits until all nodes that run know what was changed on one of them. They read it one
// after the other, and before usage is read, all nodes say that they have read the request for what
// they count. The second time, all have finished what they began the first time.
func (n *Nodes) awaitNews(changed *Server, isContent bool) error {
	if n.balancer == nil {
		return nil // they read everything at the start
	}
	for range 2 {
		if _, err := n.list[0].Command("usage", "--json"); err != nil {
			return err
		}
	}
	if !isContent {
		return nil
	}
	var list struct{ Generation int64 }
	if err := changed.CommandJSON(&list, "content", "collections"); err != nil {
		return err
	}
	for end := time.Now().Add(maxWait); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		others, err := n.withoutGeneration(list.Generation)
		if err != nil || others == 0 {
			return err
		}
	}
	return fmt.Errorf("some nodes do not serve generation %d of the corpus after %v", list.Generation, maxWait)
}

// withoutGeneration returns how many nodes last said that they serve an older generation of the
// corpus.
func (n *Nodes) withoutGeneration(generation int64) (others int, err error) {
	var all []struct {
		Address    string
		Generation int64
	}
	err = n.list[0].CommandJSON(&all, "nodes")
	for _, one := range all {
		if one.Address != "" && one.Generation < generation {
			others++
		}
	}
	return others, err
}

// any returns a node that is chosen at random.
func (n *Nodes) any() *Server { return n.list[rand.IntN(len(n.list))] }
