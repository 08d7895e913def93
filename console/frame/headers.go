package frame

import "net/http"

// ReportPath is where browsers report what the policy of a page forbade.
const ReportPath = "/console/reports"

// policy returns the Content-Security-Policy of a page whose script has a nonce.
func (f *Frame) policy(nonce string) string {
	reports := "; report-uri " + ReportPath + "; report-to console"
	if f.prefix != "" {
		reports = ""
	}
	return "default-src 'none'; style-src 'self'; script-src 'nonce-" + nonce + "'; connect-src 'self'; img-src 'self' data:; form-action 'self'" +
		"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types stile-console" + reports
}

// Headers sets what all responses of the console have in common.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SetHeaders(w.Header())
		w.Header().Set("Reporting-Endpoints", `console="`+ReportPath+`"`)
		next.ServeHTTP(w, r)
	})
}

// SetHeaders sets what all responses with pages of a frame have in common.
func SetHeaders(head http.Header) {
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("X-Frame-Options", "DENY") // for browsers that don't know frame-ancestors
	// With no-referrer, browsers send the Origin null with forms.
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}
