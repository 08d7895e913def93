package webhooks_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/webhooks"
)

// TestDocumented compares docs/webhooks.md with what is sent: the request, its signature, the data
// of each event, and the schedule.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for _, k := range events.Kinds() {
		data, err := json.Marshal(k.Example)
		if err != nil {
			t.Fatal(err)
		}
		_, section, found := strings.Cut(page, "\n### "+string(k.Type)+"\n")
		section, _, _ = strings.Cut(section, "\n### ")
		if !found || !strings.Contains(section, "```json\n"+string(data)+"\n```") {
			t.Errorf("the section %s must contain\n%s", k.Type, data)
		}
	}
	body, err := events.Kinds()[0].Event().Body()
	if err != nil {
		t.Fatal(err)
	}
	match := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(page)
		if m == nil {
			t.Fatalf("no %s", pattern)
		}
		return m[1]
	}
	key, err := base64.StdEncoding.DecodeString(match("`whsec_([^`]+)`"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", match(`Webhook-Id: (.+)`), match(`Webhook-Timestamp: (.+)`), body)
	if got, want := match(`Webhook-Signature: (.+)`), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want || !strings.Contains(page, "\n\n"+string(body)+"\n```") {
		t.Errorf("the request must have the signature %s and the body\n%s", want, body)
	}
	after := time.Duration(0)
	for try := 2; try <= 7; try++ {
		after += webhooks.PauseAfter(try-1, 0.5)
		if row := fmt.Sprintf("| %d | %s |", try, about(after)); !strings.Contains(page, row) {
			t.Errorf("the schedule must have the row %s", row)
		}
	}
}

// about writes a duration as the page does.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, (d%time.Hour).Round(time.Minute)/time.Minute)
}
