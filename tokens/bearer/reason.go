package bearer

import (
	"errors"
	"fmt"
	"time"

	"stile.example/stile/tokens/readable"
)

// invalid is an [ErrInvalid] with its reason.
//
// A reason may name claims that say who issued a token and for what (iss, aud, the client,
// typ, alg, kid), by [readable.Text]. It never names the subject, and contains nothing from which a
// token could be made. Nothing in it has been verified.
type invalid string

func (i invalid) Error() string { return "token invalid: " + string(i) }

func (i invalid) Is(target error) bool { return target == ErrInvalid }

// foreign is the [invalid] that is an [ErrUnknownIssuer].
type foreign struct{ invalid }

func (f foreign) Is(target error) bool { return target == ErrInvalid || target == ErrUnknownIssuer }

func (f foreign) Unwrap() error { return f.invalid }

// invalidf returns an [invalid] with a formatted reason.
func invalidf(format string, args ...any) error { return invalid(fmt.Sprintf(format, args...)) }

// expired is an [ErrExpired] with its reason.
type expired string

func (e expired) Error() string { return "token expired: " + string(e) }

func (e expired) Is(target error) bool { return target == ErrExpired }

// expiredSince returns the error for a token that was valid until a time.
func expiredSince(until, now time.Time) error {
	return expired("expired by " + readable.Duration(now.Sub(until)))
}

// Difference is what [Explain] says about a claim that is not as it must be, for programs.
type Difference struct {
	Claim     string        // iss or aud; "" for a time
	Got, Want string        // as [readable.Text] writes them
	Ahead     time.Duration // how far the sender's clock is ahead of this one; negative: behind
}

// differs is an error with the difference that it is about.
type differs struct {
	error
	Difference
}

func (d differs) Unwrap() error { return d.error }

// DifferenceOf returns the difference that an error of [Verifier.Verify] or [Assertions.Verify] is
// about, and reports whether there is one. Nothing in it has been verified.
func DifferenceOf(err error) (Difference, bool) {
	d, ok := errors.AsType[differs](err)
	return d.Difference, ok
}

// ofIssuer is an error about the token of an external issuer, or about asking that issuer.
type ofIssuer struct {
	error
	issuer string
}

func (o ofIssuer) Unwrap() error { return o.error }

// about adds the issuer to an error about its token.
func about(i *Issuer, err error) error {
	if err == nil {
		return nil
	}
	return ofIssuer{err, i.Name}
}

// Reason returns why [Verifier.Verify] refused a token, for the operator, and the external issuer
// that the token names or that could not be asked. The issuer is "" for any other token, and the
// reason for any error that is not about the token. The caller of the API must not learn either.
func Reason(err error) (issuer, reason string) {
	if of, ok := errors.AsType[ofIssuer](err); ok {
		issuer = of.issuer
	}
	if why, ok := errors.AsType[invalid](err); ok {
		return issuer, string(why)
	}
	if why, ok := errors.AsType[expired](err); ok {
		return issuer, string(why)
	}
	return issuer, ""
}

// Explain returns the reason of [Reason], with the external issuer if there is one.
func Explain(err error) string {
	issuer, why := Reason(err)
	return withIssuer(issuer, why)
}

// WhyUnmapped says, for the operator, that the settings map the token's client to no tenant.
func (c Claims) WhyUnmapped() string {
	return withIssuer(c.Issuer, "its client "+readable.Text(c.Unmapped)+" is not in the issuer's clients")
}

// withIssuer adds the external issuer, if there is one, to a reason.
func withIssuer(issuer, why string) string {
	if issuer == "" {
		return why
	}
	return "issuer " + issuer + ": " + why
}
