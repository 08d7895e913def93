package server

import (
	"net"
	"strings"
	"testing"
)

// TestFreeAddress checks that the suggestion for a busy port has the same host, is free, and was
// not given for another listener.
func TestFreeAddress(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	first := freeAddress(busy.Addr().String(), nil)
	second := freeAddress(busy.Addr().String(), []string{first})
	_, port, _ := net.SplitHostPort(first)
	third := freeAddress(busy.Addr().String(), []string{":" + port})
	if first == second || first == third || !strings.HasPrefix(second, "127.0.0.1:") || first == busy.Addr().String() {
		t.Errorf("%s, then %s and %s", first, second, third)
	}
	_, err = listen("listen", busy.Addr().String(), first)
	if err == nil || strings.Contains(err.Error(), "--listen "+first) || !strings.Contains(err.Error(), "--listen 127.0.0.1:") {
		t.Errorf("%v", err)
	}
	if got := freeAddress(":9080", nil); got == ":9080" || !strings.HasPrefix(got, ":") {
		t.Errorf("%s", got)
	}
}

// TestLowPort checks that the advice for a port without the right to it is about the port.
func TestLowPort(t *testing.T) {
	if got := lowPort(":443"); !strings.Contains(got, ":443: permission denied") || !strings.Contains(got, "CAP_NET_BIND_SERVICE") {
		t.Errorf("%s", got)
	}
}
