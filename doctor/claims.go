package doctor

import (
	"strings"

	"stile.example/stile/editdistance"
	"stile.example/stile/evidence"
)

// clocks finds wrong clocks of the tenant's server and of its authorization server.
func (e *examination) clocks() {
	for _, clock := range []struct{ whose, name string }{{"server", "the tenant's server"}, {"issuer", "the tenant's authorization server"}} {
		list := e.about(evidence.Clock, clock.whose)
		sum := total(list)
		if sum.Count < fewTimes {
			continue
		}
		e.add(Critical, "The clock of "+clock.name+" is wrong.", sum.Ref,
			"Let the network set the clock, and compare it with another one:\n  timedatectl set-ntp true\n  date -u\nSign each assertion right before it is sent.",
			days+"%s signed at a time that differs from this server's clock: %s.", were(sum.Count, "request"), named(list))
	}
}

// browserClocks finds wrong clocks of browsers, and of this server, if many browsers differ in the
// same way.
func (e *examination) browserClocks() {
	list := e.about(evidence.Clock, "browser")
	sum := total(list)
	if sum.Count < manyTimes {
		return
	}
	fix := "The widget layer reads the server's time from the error (now) and repeats the call once: nothing to do with it. In code of your own, do the same:\n  iat: error.now"
	for _, one := range list {
		if one.Few.Full() && 2*one.Count > sum.Count {
			e.add(Warning, "Many browsers' clocks differ in the same way: this server's clock may be wrong.", one.Ref,
				e.forReader("Compare the server's clock with another one, and let the network set it:\n  date -u\n  timedatectl set-ntp true\n", "Ask the publisher to check the server's clock. ")+fix,
				days+"%s refused for the time of their proofs, from at least %d browsers: %s.", were(sum.Count, "call"), len(one.Few), named(list))
			return
		}
	}
	e.add(Notice, "Some browsers have a wrong clock, or send old proofs.", sum.Ref, fix,
		days+"%s refused for the time of their proofs: %s.", were(sum.Count, "call"), named(list))
}

// claims finds tokens and assertions for another audience, or of another issuer.
func (e *examination) claims() {
	for _, claim := range []struct{ name, is string }{{"aud", "audience"}, {"iss", "issuer"}} {
		list := e.about(evidence.Claim, claim.name)
		if sum := total(list); sum.Count >= fewTimes {
			e.claim(claim.name, claim.is, list[0], sum)
		}
	}
}

// claim adds a finding about the most frequent value of a claim.
func (e *examination) claim(name, is string, one, sum evidence.Entry) {
	got, finding, want := one.Key, "Tokens have another "+is+" than this server accepts.", one.Note
	if e.ForTenant && name == "iss" && !isNear(got, want) {
		want = e.API // the setting may name another tenant's issuer
	}
	if isNear(got, one.Note) {
		finding = "The " + is + " of tokens is misspelt."
	}
	fix := "In the authorization server, or where the assertion is signed, set exactly this value. A slash at the end, the port and http or https count.\n  \"" + name + "\": \"" + want + "\""
	if name == "iss" {
		fix = e.forReader("Set the issuer in the settings exactly as its tokens spell it, then start the server again:\n  issuers: [{issuer: \""+got+"\"}]\nIf these are tokens of this server, public_url has changed: pages must get new tokens.",
			"The publisher's settings must spell the issuer exactly as your tokens do: "+got+". If these are tokens of this server, get new ones.")
	}
	e.add(Warning, finding, one.Ref, fix, days+"%s refused: %s is %s (%d), and %s is accepted.", were(sum.Count, "request"), name, got, one.Count, want)
}

// isNear reports whether a value is another spelling of the one that is wanted.
func isNear(got, want string) bool {
	for _, w := range strings.Split(want, " or ") {
		if plain(got) == plain(w) || editdistance.Between(got, w) <= 2 {
			return true
		}
	}
	return false
}

// plain returns a URL without what is often spelt in another way.
func plain(s string) string {
	s = strings.ToLower(strings.Trim(s, `" `))
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	s = strings.TrimPrefix(strings.TrimSuffix(s, "/"), "www.")
	return strings.NewReplacer(":443", "", ":80", "", "/oauth/token", "").Replace(s)
}
