package tenants

import (
	"fmt"
	"strings"
)

// Names returns the name that each tenant has in usage and statements, by its number. clients has
// the client_id of each tenant, also of those that were removed.
//
// The name is the client_id. If that was given to another tenant since, it is client_id~number: an
// earlier tenant may be another organisation, so what it used and what it was billed is not the
// new one's. A client_id never contains ~, so names are unique.
func Names(clients map[uint32]string) map[uint32]string {
	newest := map[string]uint32{}
	for number, clientID := range clients {
		newest[clientID] = max(newest[clientID], number)
	}
	names := make(map[uint32]string, len(clients))
	for number, clientID := range clients {
		names[number] = clientID
		if newest[clientID] != number {
			names[number] = fmt.Sprintf("%s~%d", clientID, number)
		}
	}
	return names
}

// ClientIDOf returns the client_id of a name.
func ClientIDOf(name string) string {
	clientID, _, _ := strings.Cut(name, "~")
	return clientID
}
