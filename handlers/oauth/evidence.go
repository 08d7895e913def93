package oauth

import (
	"stile.example/stile/evidence"
	"stile.example/stile/tenants"
	"stile.example/stile/tokens/bearer"
)

// collect adds an observation to the evidence of the tenant that a client claims to be, if there is
// one. The claim is not verified.
func (srv *Server) collect(r *request, client string, k evidence.Kind, key, note string) {
	if t, known := srv.Tenants.Find(client); known && srv.Evidence != nil {
		srv.Evidence.Note(t.Number, evidence.Observation{At: r.At, Kind: k, Key: key, Note: note})
	}
}

// collectDifference collects which claim or which clock made an assertion or a token invalid.
func (srv *Server) collectDifference(r *request, client string, err error, whose string) {
	d, ok := bearer.DifferenceOf(err)
	switch {
	case !ok:
	case d.Claim == "":
		srv.collect(r, client, evidence.Clock, whose+" "+evidence.Offset(d.Ahead), "")
	default:
		srv.collect(r, client, evidence.Claim, d.Claim+" "+d.Got, d.Want)
	}
}

// collectIssued collects how many tokens a tenant gets, and for how many subjects.
func (srv *Server) collectIssued(t *tenants.Tenant, subject string, n int) {
	if srv.Evidence == nil {
		return
	}
	o := evidence.Observation{At: srv.Now(), Kind: evidence.Issued, N: int64(n)}
	if subject != t.ClientID {
		o.Caller = "subject " + subject
	}
	srv.Evidence.Note(t.Number, o)
}
