//go:build !race

package content_test

// million is the number of items that [TestS24MillionItems] reads.
const million = 1_000_000
