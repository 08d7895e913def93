package challenge

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func BenchmarkMake(b *testing.B) {
	for level := range uint8(MaxLevel + 1) {
		b.Run(fmt.Sprintf("work level %d", level), func(b *testing.B) { benchMake(b, Work, level) })
	}
	b.Run("picture", func(b *testing.B) { benchMake(b, Picture, 0) })
}

func benchMake(b *testing.B, k Kind, level uint8) {
	m, a := newMaker(b), ask(k, 0)
	a.Level = level
	for n := 0; b.Loop(); n++ {
		a.Token[0], a.Token[1], a.Token[2], a.Token[3] = byte(n), byte(n>>8), byte(n>>16), byte(n>>24)
		make1(b, m, a)
	}
}

func BenchmarkMakeAgain(b *testing.B) {
	m := newMaker(b)
	for b.Loop() {
		make1(b, m, ask(Work, 1))
	}
}

func BenchmarkRight(b *testing.B) {
	m := newMaker(b)
	id := make1(b, m, ask(Work, 1)).ID
	for name, id := range map[string]string{"ours": id, "made up": strings.Repeat("A", idSize), "too long": id + id} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.IsCorrect(id, "100")
			}
		})
	}
}

func BenchmarkDraw(b *testing.B) {
	b.Run("picture", func(b *testing.B) {
		benchDraw(b, func(m *Maker, id string) ([]byte, error) { return m.Picture(context.Background(), id, now, allow) })
	})
	for _, lang := range languages {
		b.Run("sound "+lang, func(b *testing.B) {
			benchDraw(b, func(m *Maker, id string) ([]byte, error) { return m.Sound(context.Background(), id, lang, now, allow) })
		})
	}
}

func benchDraw(b *testing.B, draw func(*Maker, string) ([]byte, error)) {
	m, size := newMaker(b), 0
	for n := uint16(0); b.Loop(); n++ {
		body, err := draw(m, m.seal(sealed{specKey: ask(Picture, n).key(), digits: digits, answer: newDigits()}))
		if err != nil {
			b.Fatal(err)
		}
		size += len(body)
	}
	b.ReportMetric(float64(size)/float64(b.N), "bytes/op")
}

// BenchmarkSolve measures what a program needs for each level.
func BenchmarkSolve(b *testing.B) {
	for level := range uint8(MaxLevel + 1) {
		b.Run(fmt.Sprintf("level %d", level), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p, _, err := newWork(level, 0)
				b.StartTimer()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Solve(context.Background(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
