package challenge

import (
	"image"
	"image/color"
	"testing"

	"github.com/dchest/captcha"
)

// TestDoubled checks that a picture of twice the size is the same picture: every pixel becomes four
// of its own or a neighbour's colour, and those that differ are at corners of diagonal edges only.
func TestDoubled(t *testing.T) {
	from := captcha.NewImage("an id", []byte{4, 0, 7, 1, 3}, width, height).Paletted
	to := doubled(from)
	if size := to.Rect.Size(); size != image.Pt(2*width, 2*height) {
		t.Fatalf("the size is %v", size)
	}
	changed := 0
	for y := range 2 * height {
		for x := range 2 * width {
			got, was := to.ColorIndexAt(x, y), from.ColorIndexAt(x/2, y/2)
			if got == was {
				continue
			}
			changed++
			beside, above := from.ColorIndexAt(x/2+x%2*2-1, y/2), from.ColorIndexAt(x/2, y/2+y%2*2-1)
			if got != beside || got != above {
				t.Fatalf("the pixel at %d, %d is %d; it was %d, between %d and %d", x, y, got, was, beside, above)
			}
		}
	}
	if share := float64(changed) / (4 * width * height); share == 0 || share > .1 {
		t.Errorf("%.3f of the pixels differ from their original", share)
	}
}

// TestDoubledEdges checks that diagonal edges are cut, and straight ones stay.
func TestDoubledEdges(t *testing.T) {
	for _, c := range []struct{ name, from, want string }{
		{"a diagonal", "#. .#", "##.. #.#. .#.# ..##"},
		{"a bar", "## ..", "#### #### .... ...."},
		{"a step", "#.. ##. ###", "##.... ###... ###... #####. ###### ######"},
	} {
		if got := drawn(doubled(parsed(c.from))); got != c.want {
			t.Errorf("%s: %s becomes\n%s, want\n%s", c.name, c.from, got, c.want)
		}
	}
}

func parsed(rows string) *image.Paletted {
	n := 0
	for n < len(rows) && rows[n] != ' ' {
		n++
	}
	img := image.NewPaletted(image.Rect(0, 0, n, (len(rows)+1)/(n+1)), color.Palette{color.White, color.Black})
	for i, c := range rows {
		if c == '#' {
			img.SetColorIndex(i%(n+1), i/(n+1), 1)
		}
	}
	return img
}

func drawn(img *image.Paletted) (rows string) {
	for y := range img.Rect.Dy() {
		if y > 0 {
			rows += " "
		}
		for x := range img.Rect.Dx() {
			rows += string(".#"[img.ColorIndexAt(x, y)])
		}
	}
	return rows
}
