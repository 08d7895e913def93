package statements

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"stile.example/stile/tokens"
)

// Line is a line of the ledger: what one token used on one day through one route.
type Line struct {
	Token   tokens.ID
	Day     int32 // days since 1970-01-01, UTC
	Route   tokens.Route
	Calls   int64
	Records int64
}

// Routes has the routes in the order of rows and lines, which is that of their names.
var Routes = []tokens.Route{tokens.Collections, tokens.Item, tokens.Items, tokens.Related}

// CompareLines compares two lines by day, route and token, which is their order in a statement.
func CompareLines(a, b Line) int {
	return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(slices.Index(Routes, a.Route), slices.Index(Routes, b.Route)), bytes.Compare(a.Token[:], b.Token[:]))
}

// Date returns the beginning of the day.
func (l Line) Date() time.Time { return time.Unix(int64(l.Day)*86400, 0).UTC() }

// DayText returns the day, YYYY-MM-DD.
func (l Line) DayText() string { return l.Date().Format(time.DateOnly) }

// AppendText appends the text of the line, which the tree is made of: the token's id in
// hexadecimal, the day, the route, the calls and the records, with a space between them.
func (l Line) AppendText(b []byte) []byte {
	b = hex.AppendEncode(b, l.Token[:])
	b = append(b, ' ')
	b = l.Date().AppendFormat(b, time.DateOnly)
	b = append(b, ' ')
	b = append(b, l.Route.String()...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, l.Calls, 10)
	b = append(b, ' ')
	return strconv.AppendInt(b, l.Records, 10)
}

var errLine = errors.New("must be a token's id, a day, a route, calls and records")

// ParseLine reads the text of a line.
func ParseLine(text string) (Line, error) {
	f := strings.Split(text, " ")
	if len(f) != 5 {
		return Line{}, errLine
	}
	l, err := NewLine(f[0], f[1], f[2], f[3], f[4])
	if err == nil && string(l.AppendText(nil)) != text {
		err = errLine
	}
	return l, err
}

// NewLine returns the line of its parts as text.
func NewLine(token, day, route, calls, records string) (l Line, err error) {
	id, err := hex.DecodeString(token)
	if err != nil || len(id) != len(l.Token) {
		return l, errors.New("the token must have 32 hexadecimal digits")
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return l, errors.New("the day must be YYYY-MM-DD")
	}
	i := slices.IndexFunc(Routes, func(r tokens.Route) bool { return r.String() == route })
	if i < 0 {
		return l, errors.New("the route must be items, item, related or collections")
	}
	l = Line{Token: tokens.ID(id), Day: int32(t.Unix() / 86400), Route: Routes[i]}
	if l.Calls, err = count(calls); err == nil {
		l.Records, err = count(records)
	}
	return l, err
}

func count(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("calls and records must be numbers")
	}
	return n, nil
}

// AppendLine appends the stored form of a line.
func AppendLine(b []byte, l Line) []byte {
	b = append(b, l.Token[:]...)
	b = binary.AppendUvarint(b, uint64(l.Day))
	b = append(b, byte(l.Route))
	b = binary.AppendUvarint(b, uint64(l.Calls))
	return binary.AppendUvarint(b, uint64(l.Records))
}

var errStored = errors.New("the stored lines of a statement are damaged")

// DecodeLines reads stored lines.
func DecodeLines(b []byte) (lines []Line, err error) {
	number := func() (n uint64) {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<62 {
			b, err = nil, errStored
			return 0
		}
		b = b[size:]
		return n
	}
	for len(b) > 0 && err == nil {
		var l Line
		if len(b) < len(l.Token)+4 {
			return nil, errStored
		}
		copy(l.Token[:], b)
		b = b[len(l.Token):]
		l.Day = int32(number())
		if len(b) == 0 || b[0] >= tokens.Routes {
			return nil, errStored
		}
		l.Route, b = tokens.Route(b[0]), b[1:]
		l.Calls = int64(number())
		l.Records = int64(number())
		lines = append(lines, l)
	}
	if err != nil {
		return nil, err
	}
	return lines, nil
}
