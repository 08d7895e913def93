package developers

import (
	"regexp"
	"strings"

	"stile.example/stile/console/frame"
	"stile.example/stile/doctor"
)

// diagnosis is what `stile doctor` says, for a template.
type diagnosis struct {
	Findings []finding
	Checked  []string
}

// finding is a finding for a template.
type finding struct {
	Badge    frame.Cell
	Finding  string
	Evidence string
	Example  string // URL of the example's explanation; "": there is none
	Ref      string
	Fix      []step
}

// step is a paragraph of a fix, with the code below it.
type step struct{ Text, Code string }

var example = regexp.MustCompile(` Example: ref ([0-9A-Z]{4}-[0-9A-Z]{4})\.$`)

// tones are the tones of severities.
var tones = map[doctor.Severity]string{doctor.Critical: "bad", doctor.Warning: "warn", doctor.Notice: "info"}

// diagnose performs the operation doctor. url returns the URL of a reference's explanation.
func diagnose(r *frame.Request, clientID string, url func(ref string) string) (diagnosis, error) {
	found, err := frame.Do[tenantName, []doctor.Finding](r, "doctor", tenantName{clientID})
	if err != nil {
		return diagnosis{}, err
	}
	d := diagnosis{Checked: doctor.Checked}
	for _, f := range found {
		v := finding{Badge: frame.Badge(tones[f.Severity], string(f.Severity)), Finding: f.Finding, Evidence: f.Evidence, Fix: steps(f.Fix)}
		if m := example.FindStringSubmatch(f.Evidence); m != nil {
			v.Evidence, v.Ref, v.Example = strings.TrimSuffix(f.Evidence, m[0]), m[1], url(m[1])
		}
		d.Findings = append(d.Findings, v)
	}
	return d, nil
}

// steps divides a fix into paragraphs and code, which is indented.
func steps(fix string) (all []step) {
	for line := range strings.SplitSeq(fix, "\n") {
		code, isCode := strings.CutPrefix(line, "  ")
		switch {
		case !isCode:
			all = append(all, step{Text: line})
		case len(all) == 0:
			all = append(all, step{Code: code})
		case all[len(all)-1].Code == "":
			all[len(all)-1].Code = code
		default:
			all[len(all)-1].Code += "\n" + code
		}
	}
	return all
}

// tenantName is the input of operations about a tenant.
type tenantName struct {
	ClientID string `json:"client_id"`
}
