package feed

import (
	"testing"
	"time"
)

// TestParseDate: dates that feeds have, although no standard allows them all.
func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{
		"Mon, 06 May 24 09:08 +0200":         "2024-05-06T07:08:00Z",
		"6 May 24 09:08:07 GMT":              "2024-05-06T09:08:07Z",
		"06 May 99 09:08 EST":                "1999-05-06T14:08:00Z",
		"Mon,06 May 2024 09:08:07 +0200":     "2024-05-06T07:08:07Z",
		"Lun, 06 May 2024 09:08:07 +0200":    "2024-05-06T07:08:07Z",
		"Mo., 06 May 2024 09:08:07 +02:00":   "2024-05-06T07:08:07Z",
		"Fri, 31 May 2024 24:00:00 GMT":      "2024-06-01T00:00:00Z",
		"2023-01-29 18:30:22 2023 -0800":     "2023-01-30T02:30:22Z",
		"2024-05-31T24:00:00Z":               "2024-06-01T00:00:00Z",
		"Mon, 06 Sept 2024 9:08 PDT (there)": "2024-09-06T16:08:00Z",
		"06-May-2024":                        "2024-05-06T00:00:00Z",
		"Mon, 31 Jun 2024 09:08:07 GMT":      "",
		"Mon, 06 May 2024 24:01:00 GMT":      "",
		"Mon, 06 Mai 2024 09:08:07 XYZ":      "",
		"soon":                               "",
		"2024-13-01":                         "",
	} {
		got, ok := parseDate(text)
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v %v, want %s", text, got, ok, want)
		}
	}
}
