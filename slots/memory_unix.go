//go:build unix

package slots

import (
	"fmt"
	"syscall"
)

func mapPages(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(fmt.Sprintf("slots: no memory: %v", err)) // as the runtime does
	}
	return b
}

func unmapPages(b []byte) { syscall.Munmap(b) }
