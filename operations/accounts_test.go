package operations

import (
	"encoding/json"
	"testing"
	"time"

	"stile.example/stile/admins"
)

// TestPreviewsOfAdmins checks that the preview of each change of an admin says what the admin is
// after the change.
func TestPreviewsOfAdmins(t *testing.T) {
	for _, in := range []string{
		`{"name":"bob","role":"viewer"}`,
		`{"name":"bob","role":"operator"}`, // the same as before
		`{"name":"bob","reset_password":true}`,
		`{"name":"bob","remove_passkeys":true}`,
		`{"name":"bob","remove_tokens":true}`,
		`{"name":"bob","role":"owner","reset_password":true,"remove_passkeys":true,"remove_tokens":true}`,
	} {
		d := openDir(t)
		run := func(name, in string, dry bool) any {
			t.Helper()
			o, _ := Find(name)
			result, err := o.Run(t.Context(), d, Call{Actor: byOwner, Input: json.RawMessage(in), DryRun: dry})
			if err != nil {
				t.Fatalf("%s %s: %v", name, in, err)
			}
			return result
		}
		run("admin add", `{"name":"olga","role":"owner"}`, false)
		run("admin add", `{"name":"bob","role":"operator"}`, false)
		bob, err := d.Admins.Find(t.Context(), "bob")
		if err == nil {
			_, _, err = d.Admins.SignIn(t.Context(), bob, "password", "192.0.2.1", "a browser", time.Now())
		}
		if err == nil {
			_, err = d.Admins.AddPasskey(t.Context(), admins.Passkey{Admin: bob.Number, Name: "laptop", Host: "localhost", Credential: []byte{1}, Record: []byte("{}")}, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
		planned, _ := json.Marshal(run("admin set", in, true).(Preview).After)
		run("admin set", in, false)
		if is, _ := json.Marshal(run("admin show", `{"name":"bob"}`, false)); string(planned) != string(is) {
			t.Errorf("%s: the preview says\n%s\nand the admin is\n%s", in, planned, is)
		}
	}
}
