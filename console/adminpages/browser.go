package adminpages

import "strings"

// The names of browsers and systems, by what identifies them in a User-Agent. The order matters:
// most browsers also claim to be others.
var (
	browserNames = [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"}}
	systemNames  = [][2]string{{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}}
)

// browser returns a User-Agent for people, such as Firefox 140 on Linux. What it does not know, it
// returns as it is.
func browser(agent string) string {
	for _, b := range browserNames {
		_, version, found := strings.Cut(agent, b[0])
		if !found {
			continue
		}
		name := b[1]
		if major, _, _ := strings.Cut(version, "."); major != "" && len(major) < 4 {
			name += " " + major
		}
		for _, s := range systemNames {
			if strings.Contains(agent, s[0]) {
				return name + " on " + s[1]
			}
		}
		return name
	}
	return agent
}
