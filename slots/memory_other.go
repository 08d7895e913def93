//go:build !unix

package slots

// On other systems the memory is the collector's.
func mapPages(n int) []byte { return make([]byte, n) }

func unmapPages([]byte) {}
