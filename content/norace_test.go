//go:build !race

package content_test

// million is how many items [TestS24MillionItems] reads.
const million = 1_000_000
