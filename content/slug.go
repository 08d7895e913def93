package content

import "stile.example/stile/content/folder"

// slug makes an id from a name.
func slug(name string) string { return folder.ID(name) }

// hash returns a short name of s.
func hash(s string) string { return folder.Hash(s) }
