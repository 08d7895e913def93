// Package events defines what stile reports to other programs: the kinds of events, the data of
// each, and what makes an event happen only once.
//
// Package webhooks delivers events. Package events/watch notices most of them. The data never
// contains a secret or a token. It contains a source address only as the setting log_addresses
// says.
package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Type is the type of an event, as its receivers see it.
type Type string

// The types.
const (
	TenantQuota       Type = "tenant.quota"
	TenantSuspended   Type = "tenant.suspended"
	TenantResumed     Type = "tenant.resumed"
	AddressProposed   Type = "address.proposed"
	IssuerUnreachable Type = "issuer.unreachable"
	IssuerRecovered   Type = "issuer.recovered"
	ImportFinished    Type = "import.finished"
	ImportFailed      Type = "import.failed"
	StatementClosed   Type = "statement.closed"
	WebhookTest       Type = "webhook.test" // only for the webhook that is tested
)

// Event is something that happened.
type Event struct {
	Type   Type
	At     time.Time
	Tenant string // client_id of the tenant that it is about; "": none, or all
	Data   any    // one of the data types of this package
	Mark   Mark   // the zero Mark: the event always happens
}

// Mark makes an event happen only once, even if it is reported several times, by several
// processes, or again after a restart. A mark is a number that is stored under a key, together with
// the event, or not at all. A key that was never stored has 0.
type Mark struct {
	Key   string
	Value int64
	When  Condition
}

// Condition says when an event with a mark happens.
type Condition uint8

// The conditions.
const (
	Rises   Condition = iota // Value is more than what is stored
	Changes                  // Value is not what is stored
	Ends                     // the key is stored; it is removed
)

// Happens reports whether an event happens, given what is stored.
func (m Mark) Happens(stored int64, isStored bool) bool {
	switch {
	case m.Key == "":
		return true
	case m.When == Ends:
		return isStored
	case m.When == Changes:
		return m.Value != stored
	}
	return m.Value > stored
}

// maxBody is how long an event may be as JSON.
const maxBody = 32 << 10

// Body returns an event as it is sent: an object with type, timestamp and data.
func (e Event) Body() ([]byte, error) {
	body, err := json.Marshal(struct {
		Type      Type      `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{e.Type, e.At.UTC().Truncate(time.Millisecond), e.Data})
	if err != nil {
		return nil, fmt.Errorf("write the event %s: %w", e.Type, err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("the event %s has %d bytes, more than %d", e.Type, len(body), maxBody)
	}
	return body, nil
}

// Kind describes a type of event.
type Kind struct {
	Type    Type
	Summary string // when it happens, without a capital and a full stop
	Example any    // its data
}

// Kinds returns all types that a webhook can choose, in the order of the documentation.
func Kinds() []Kind { return slices.Clone(kinds) }

// IsKnown reports whether a webhook can choose a type.
func IsKnown(t Type) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return k.Type == t })
}

// Event returns an event of a kind with fixed times, for documentation.
func (k Kind) Event() Event {
	return Event{Type: k.Type, At: exampleTime, Data: k.Example}
}

var (
	urlQuery = regexp.MustCompile(`(\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'?#]*)[?#][^\s"']*`)
	urlUser  = regexp.MustCompile(`(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s"'/@]*@`)
)

// SafeText returns a text from outside for people and programs: printable, in one line, at most n
// characters, and without the parts of URLs that may contain secrets.
func SafeText(text string, n int) string {
	if len(text) > 16*n { // the expressions must not read much
		text = text[:16*n]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	text = urlUser.ReplaceAllString(urlQuery.ReplaceAllString(text, "$1?…"), "$1")
	if r := []rune(text); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return text
}
