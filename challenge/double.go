package challenge

import "image"

// doubled returns a picture with twice the width and height, for screens with two pixels for each
// CSS pixel. The library can't render it: the strength of its distortions is a number of pixels, so
// a larger picture would be less distorted. Here digits, noise and distortion stay the same. Each
// pixel becomes four, and corners are cut along diagonal edges (the rule is known as Scale2x).
func doubled(from *image.Paletted) *image.Paletted {
	size := from.Rect.Size()
	to := image.NewPaletted(image.Rect(0, 0, 2*size.X, 2*size.Y), from.Palette)
	for y := range size.Y {
		above, below := max(y-1, 0), min(y+1, size.Y-1)
		for x := range size.X {
			left, right := max(x-1, 0), min(x+1, size.X-1)
			corners := split(from.ColorIndexAt(x, y), from.ColorIndexAt(x, above), from.ColorIndexAt(right, y), from.ColorIndexAt(x, below), from.ColorIndexAt(left, y))
			copy(to.Pix[to.PixOffset(2*x, 2*y):], corners[:2])
			copy(to.Pix[to.PixOffset(2*x, 2*y+1):], corners[2:])
		}
	}
	return to
}

// split returns the four pixels of a pixel: upper left, upper right, lower left, lower right. A
// corner gets the colour of its two neighbours if they are equal and the other two are not.
func split(p, above, right, below, left uint8) (corners [4]uint8) {
	corner := func(a, b, c, d uint8) uint8 {
		if a == b && a != d && b != c {
			return a
		}
		return p
	}
	return [4]uint8{
		corner(above, left, below, right), corner(above, right, below, left),
		corner(below, left, above, right), corner(below, right, above, left),
	}
}
