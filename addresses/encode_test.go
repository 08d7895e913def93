package addresses_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/quick"

	. "stile.example/stile/addresses"
)

// full returns a state with every field set, by the newest version of the stored form.
func full() State {
	s := State{
		Bucket: 0xbf5b1, DayBucket: 0x192f1, Until: Forever, Step: 4, LastStepBlocks: 2, Propose: true,
		Counts: [Buckets]Count{
			{0x0111, 0x12, 0x13}, {0x0121, 0x22, 0x23}, {0x0131, 0x32, 0x33},
			{0x0141, 0x42, 0x43}, {0x0151, 0x52, 0x53}, {0x0161, 0x62, 0x63},
		},
		Records: [Buckets]uint32{0x010171, 0x72, 0x73, 0x74, 0x75, 0x76},
		Repeats: [Buckets]uint16{0x0181, 0x82, 0x83, 0x84, 0x85, 0x86},
	}
	for i := range s.Keys {
		n := uint64(4 * i)
		s.Keys[i] = [4]uint64{n, n + 1, n + 2, n + 3}
	}
	s.Keys[0] = [4]uint64{1, 2, 3, 1 << 63}
	return s
}

// goldens returns, for each golden file, the state that it contains.
func goldens() map[string]State {
	v1 := full()
	v1.Repeats = [Buckets]uint16{}
	clear(v1.Keys[:])
	return map[string]State{"state_v1.hex": v1, "state_v2.hex": full()}
}

// TestGoldenStates checks that the bytes of every version are read, and that the newest version is
// written byte for byte.
func TestGoldenStates(t *testing.T) {
	for file, want := range goldens() {
		b := readGolden(t, file)
		if got, err := DecodeState(b); err != nil || got != want {
			t.Errorf("%s: got %+v, %v\nwant %+v", file, got, err, want)
		}
		for n := range b {
			if s, err := DecodeState(b[:n]); err == nil || s != (State{}) {
				t.Errorf("%s: the first %d of %d bytes: %+v, %v", file, n, len(b), s, err)
			}
		}
		if s, err := DecodeState(append(b, 0)); err == nil || s != (State{}) {
			t.Errorf("%s: a byte too many: %+v, %v", file, s, err)
		}
	}
	if got, want := AppendState(nil, full()), readGolden(t, "state_v2.hex"); !bytes.Equal(got, want) {
		t.Errorf("the stored form changed:\n got %x\nwant %x", got, want)
	}
}

// TestUnknownVersions checks that a version that this program does not know is an error, whatever
// its length.
func TestUnknownVersions(t *testing.T) {
	for _, version := range []byte{0, 3, 255} {
		b := AppendState(nil, full())
		b[0] = version
		if s, err := DecodeState(b); err == nil || !strings.Contains(err.Error(), "unknown version") || s != (State{}) {
			t.Errorf("version %d: %+v, %v", version, s, err)
		}
	}
}

// TestEveryFieldIsStored checks that every field of any state is read back, and that it is stored
// where encoding/binary puts it, which finds fields by reflection. A new field that AppendState
// does not write fails here.
func TestEveryFieldIsStored(t *testing.T) {
	check := func(s State) bool {
		b := AppendState(nil, s)
		got, err := DecodeState(b)
		want, _ := binary.Append([]byte{2}, binary.LittleEndian, s)
		return err == nil && got == s && bytes.Equal(b, want)
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
	for v, i := reflect.ValueOf(full()), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the golden state does not set %s", v.Type().Field(i).Name)
		}
	}
}

// FuzzDecodeState checks that any bytes are a state or an error, and never a panic; and that a
// state is stored again as the state that was read.
func FuzzDecodeState(f *testing.F) {
	for file := range goldens() {
		b := readGolden(f, file)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeState(b)
		if err != nil {
			if s != (State{}) {
				t.Errorf("%+v with error %v", s, err)
			}
			return
		}
		if again, err := DecodeState(AppendState(nil, s)); err != nil || again != s {
			t.Errorf("%+v, %v\nwant %+v", again, err, s)
		}
	})
}

// readGolden reads a file of testdata: bytes in hexadecimal, with comments that begin with #.
func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.TrimSpace(code))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

func BenchmarkAppendState(b *testing.B) {
	buf, s := make([]byte, 0, 512), full()
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendState(buf[:0], s)
	}
}

func BenchmarkDecodeState(b *testing.B) {
	buf := AppendState(nil, full())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeState(buf); err != nil {
			b.Fatal(err)
		}
	}
}
