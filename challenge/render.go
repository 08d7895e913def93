package challenge

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"strings"

	"github.com/dchest/captcha"
)

// The size of a picture, in CSS pixels. The PNG has twice as many in each direction. Programs can
// read these pictures whatever the number of digits and the noise (docs/challenges.md), so both are
// chosen for people. A guess is correct once in 100,000 times, five digits can be read out fast,
// and they fit a narrow phone. At this height, the digits are separate. At the library's default of
// 80, they are a third smaller and overlap.
const (
	digits = 5
	width  = 240
	height = 106
)

// newDigits returns random digits, as one number.
func newDigits() (n uint32) {
	for _, d := range captcha.RandomDigits(digits) {
		n = n*10 + uint32(d)
	}
	return n
}

func renderPicture(id string, numerals []byte) ([]byte, error) {
	img := captcha.NewImage(id, numerals, width, height)
	recolour(img.Palette)
	var b bytes.Buffer
	// The default level takes three times as long, and saves a third of the bytes.
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, doubled(img.Paletted)); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	return b.Bytes(), nil
}

// recolour makes the digits dark on white. The library draws them on a transparent background,
// which is black on a dark page, in any colour up to mid grey.
func recolour(palette color.Palette) {
	for i, c := range palette {
		r, g, b, _ := c.RGBA()
		switch c := (color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 0xFF}); i {
		case 0:
			palette[i] = color.White
		case 1:
			palette[i] = color.RGBA{c.R / 2, c.G / 2, c.B / 2, 0xFF}
		default:
			palette[i] = c
		}
	}
}

// languages are those for which the library has sounds.
var languages = [...]string{"en", "ja", "pt", "ru", "zh"}

// nearest returns the language of a BCP 47 tag if there are sounds in it, else English.
func nearest(tag string) string {
	primary, _, _ := strings.Cut(strings.ReplaceAll(tag, "_", "-"), "-")
	for _, lang := range languages {
		if strings.EqualFold(primary, lang) {
			return lang
		}
	}
	return "en"
}

func renderSound(id string, numerals []byte, lang string) ([]byte, error) {
	var wav bytes.Buffer
	sound := captcha.NewAudio(id, numerals, lang)
	wav.Grow(sound.EncodedLen())
	if _, err := sound.WriteTo(&wav); err != nil {
		return nil, fmt.Errorf("write a sound: %w", err)
	}
	return wav.Bytes(), nil
}
