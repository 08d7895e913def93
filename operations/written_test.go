package operations

import "testing"

// Why a change has no preview, and why it has no version. Everything else has both.
var (
	unpreviewed = map[string]string{
		"backup": "it changes nothing: it is in the audit log because whoever has a backup has everything",
	}
	unversioned = map[string]string{
		"backup":         "it changes nothing",
		"key reencrypt":  "the keys stay the same, and encrypting them twice changes nothing",
		"token issue":    "an issued token is not stored, so there is nothing that somebody else could have changed",
		"webhook add":    "the server chooses the id of the webhook, so there is nothing with its name yet",
		"webhook replay": "a delivery never changes by a replay, which adds another one",
	}
)

// TestChangesCanBeChecked checks that every change can be asked for without being made, and that
// every change of what can be read can be made only if nobody else was faster. Each noun has a read
// that returns the version.
func TestChangesCanBeChecked(t *testing.T) {
	read := map[string]bool{}
	for _, o := range All() {
		if _, changes := o.Changes(); !changes && o.IsVersioned() {
			read[nounOf(o)] = true
		}
	}
	for _, o := range All() {
		_, changes := o.Changes()
		if _, excused := unpreviewed[o.Name]; o.HasPreview() != (changes && !excused) {
			t.Errorf("%s: changes something: %t, has a preview: %t, is an exception: %t", o.Name, changes, o.HasPreview(), excused)
		}
		_, excused := unversioned[o.Name]
		if changes && o.IsVersioned() == excused {
			t.Errorf("%s: has a version: %t, is an exception: %t", o.Name, o.IsVersioned(), excused)
		}
		if changes && o.IsVersioned() && !read[nounOf(o)] {
			t.Errorf("%s: needs a version, and no operation that reads returns it", o.Name)
		}
		delete(unpreviewed, o.Name)
		delete(unversioned, o.Name)
	}
	for name := range unpreviewed {
		t.Errorf("%s is an exception, and does not exist", name)
	}
	for name := range unversioned {
		t.Errorf("%s is an exception, and does not exist", name)
	}
}
