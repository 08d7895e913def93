package bearer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"stile.example/stile/tokens/jws"
	"stile.example/stile/tokens/readable"
	"stile.example/stile/tokens/signing"
)

// Step is one step of [Verifier.Examine].
type Step struct {
	Name   string
	Result Result
	Detail string // never contains the token
	Client string // the client_id of the tenant, if the step found one, which may not exist
}

// Result is the result of a step.
type Result string

// The results.
const (
	Passed   Result = "ok"
	Doubtful Result = "warning"
	Failed   Result = "wrong"
)

// Examine checks a token as [Verifier.Verify] does, and returns each step. It continues after a
// step that failed, where that is possible, so that an operator sees everything that is wrong at
// once.
func (v *Verifier) Examine(token string, now time.Time) []Step {
	e := &examination{moment: moment{now, v.maxLifetime}}
	t, err := cut(token)
	if err == notThreeParts && strings.Count(token, ".") != 2 {
		e.opaque(v, token)
		return e.steps
	}
	if !e.add("format", fmt.Sprintf("a JWT of %d bytes", len(token)), err) {
		return e.steps
	}
	m, err := readPart(t.Payload)
	if err != nil {
		if _, err := readHeader(t); err != nil {
			e.add("header", "", err)
		}
		e.add("claims", "", invalid("not a JSON object, or with a duplicate name"))
		return e.steps
	}
	name, _ := m.text("iss")
	if i := v.external.byName[name]; i != nil {
		e.external(i, t, m)
	} else {
		e.own(v, t, name)
	}
	return e.steps
}

// examination collects the steps of one token.
type examination struct {
	moment
	steps []Step
}

// add adds a step with its detail, or with what is wrong. It reports whether nothing is.
func (e *examination) add(name, detail string, err error) bool {
	result := Passed
	if err != nil {
		result = Failed
		if _, detail = Reason(err); detail == "" {
			detail = err.Error()
		}
	}
	e.steps = append(e.steps, Step{Name: name, Result: result, Detail: detail})
	return err == nil
}

// opaque examines a token that is not a JWT.
func (e *examination) opaque(v *Verifier, token string) {
	i := v.external.opaque
	if len(token) > MaxLength {
		e.add("format", "", invalid("longer than 4 KiB"))
		return
	}
	if i == nil {
		e.add("format", "", invalid("not a JWT, which has three parts, and no issuer in the settings has introspection"))
		return
	}
	e.add("format", fmt.Sprintf("not a JWT: it is introspected at %s", i.Name), nil)
	c, err := i.introspected(token, Source{}, e.moment)
	if e.add("introspection", "active, "+e.describeTimes(c), err) {
		e.client(i, c)
		e.use(i, c)
	}
}

// external examines a JWT of an external issuer.
func (e *examination) external(i *Issuer, t jws.Parts, m members) {
	e.add("issuer", i.Name+", in the settings", nil)
	h, err := readHeader(t)
	if err == nil {
		err = i.checkHeader(&h)
	}
	ok := e.add("header", fmt.Sprintf("alg %s, typ %s, kid %s", readable.Text(h.alg), readable.Allowed([]string{h.typ}), readable.Text(h.kid)), err)
	c := Claims{Issuer: i.Name}
	for _, check := range claimChecks {
		err := check.check(i, m, &c, e.moment)
		switch {
		case err == nil && check.name == "client":
			e.client(i, c)
		case err == nil && check.name == "identity":
			e.identity(i, c, t, h.alg)
		default:
			e.add(check.name, e.describe(check.name, c, m), err)
		}
	}
	if ok {
		e.signature(i, t, h, c)
	}
	e.use(i, c)
}

// describe returns what a check has found to be right.
func (e *examination) describe(check string, c Claims, m members) string {
	switch check {
	case "audience":
		return "aud is " + readable.List(m.audience(), ", ")
	case "type":
		return "an access token, as far as it says"
	case "holder":
		if c.Confirmation == ([len(c.Confirmation)]byte{}) {
			return "not bound to a key by its issuer"
		}
		return "bound to a key by its issuer (cnf.jkt): its calls need proofs by that key"
	}
	return e.describeTimes(c)
}

func (e *examination) describeTimes(c Claims) string {
	return fmt.Sprintf("issued %s ago, expires in %s", readable.Duration(e.now.Sub(c.IssuedAt)), readable.Duration(c.Expires.Sub(e.now)))
}

func (e *examination) client(i *Issuer, c Claims) {
	if c.Client == "" {
		e.add("client", "", invalidf("%s is not in the issuer's clients: add it, with the client_id of its tenant", readable.Text(c.Unmapped)))
		return
	}
	e.add("client", "the tenant "+c.Client, nil)
	e.found(c)
}

// found adds to the last step which tenant it found.
func (e *examination) found(c Claims) { e.steps[len(e.steps)-1].Client = c.Client }

// identity examines what distinguishes the token from others.
func (e *examination) identity(i *Issuer, c Claims, t jws.Parts, alg string) {
	if c.JTI != "" {
		e.add("identity", i.idClaim()+" "+readable.Text(c.JTI), nil)
		return
	}
	if e.add("identity", "no "+i.idClaim()+": its signature distinguishes it", i.identify(&c, t, alg)) {
		e.steps[len(e.steps)-1].Result = Doubtful
	}
}

func (e *examination) signature(i *Issuer, t jws.Parts, h header, c Claims) {
	keys, err := i.Keys.Keys(e.now)
	n := 0
	if err == nil {
		n = keys.Len()
	}
	if e.add("keys", readable.Count(n, "key")+" of the issuer", err) {
		_, err := i.checkSignature(t, h, c.IssuedAt, e.now)
		e.add("signature", "made by the issuer's key "+readable.Text(h.kid), err)
	}
}

// use says what the issuer's tokens can be used for.
func (e *examination) use(i *Issuer, c Claims) {
	bound := c.Confirmation != [len(c.Confirmation)]byte{}
	switch {
	case i.ForExchange && bound:
		e.add("accept", "", invalid("exchange: a token that is bound to a key can't be exchanged"))
	case i.ForExchange:
		e.add("accept", "exchange: for the token endpoint only, not for calls", nil)
	default:
		e.add("accept", "calls", nil)
	}
}

// own examines a JWT that is not of an external issuer.
func (e *examination) own(v *Verifier, t jws.Parts, name string) {
	if name != v.issuer {
		e.add("issuer", "", v.orUnknownIssuer(t, ErrInvalid))
		return
	}
	e.add("issuer", name+", this server", nil)
	set := v.keys.Set()
	k, err := keyFor(t, set, e.now)
	if !e.add("header", "its key is one of this server's", err) {
		return
	}
	c, err := v.readClaims(t.Payload, e.now)
	ok := e.add("claims", "the tenant "+c.Client+", "+e.describeTimes(c), err)
	e.found(c)
	if ok || errors.Is(err, ErrExpired) {
		e.add("signature", "made by the server's key "+k.KID(), verifySignature(k, t))
	}
}

// verifySignature checks the signature of one of our own tokens.
func verifySignature(k *signing.Key, t jws.Parts) error {
	signature, err := jws.Decode(t.Signature)
	if err != nil || k.Verify(t.Signed, signature) != nil {
		return invalid("wrong signature")
	}
	return nil
}
