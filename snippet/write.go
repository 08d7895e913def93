package snippet

import (
	"html"
	"net/url"
	"strings"
)

// Element is an element of the widget layer in the snippet.
type Element struct {
	Name       string      `json:"name"`
	Attributes [][2]string `json:"attributes"` // "": the attribute has no value
}

// Elements returns the elements of the snippet.
func (o Options) Elements() []Element {
	switch o.Show {
	case "list":
		return []Element{element("stile-list", "collection", o.Collection, "layout", o.Layout, "link", o.Link)}
	case "item":
		item := element("stile-item", "item", o.Item, "link", o.Link)
		if o.Item == "" {
			item = element("stile-item", "item-from", "url", "link", o.Link)
		}
		item.Attributes = append(item.Attributes, [2]string{"related"})
		return []Element{item}
	}
	layout := o.Layout
	if layout == "carousel" {
		layout = "grid" // results have no carousel
	}
	return []Element{
		element("stile-search", "for", "r", "label", o.Label, "collection", o.Collection, "link", o.Link),
		element("stile-results", "id", "r", "collection", o.Collection, "facets", o.Facets, "layout", layout, "link", o.Link, "deep-link", o.DeepLink),
	}
}

// Preview returns the elements as the preview shows them: it has no page of its own for an item,
// and leaves this page's URL alone.
func (o Options) Preview() []Element {
	o.DeepLink = ""
	if o.Show == "item" {
		o.Item = "plum-cake"
	}
	return o.Elements()
}

// element returns an element with those of the attributes that are not empty.
func element(name string, pairs ...string) Element {
	e := Element{Name: name}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			e.Attributes = append(e.Attributes, [2]string{pairs[i], pairs[i+1]})
		}
	}
	return e
}

// Code returns the snippet, for the API at a URL.
func (o Options) Code(api string) string {
	script := o.script(api)
	switch o.Framework {
	case "react":
		return o.react(script)
	case "vue":
		return o.vue(script)
	}
	return script.tag() + "</script>\n\n" + o.elements("", "\n")
}

// script returns the tag of the widget layer.
func (o Options) script(api string) Element {
	client := o.ClientID
	if client == "" {
		client = "YOUR_CLIENT_ID"
	}
	script := element("script", "src", api+"/widgets/v1/stile.js", "data-client-id", client, "data-token-url", o.TokenURL, "data-theme", o.Theme, "data-lang", o.Lang)
	script.Attributes = append([][2]string{{"async"}}, script.Attributes...)
	return script
}

// Default returns the options of a tenant that has chosen nothing else.
func Default(clientID string) Options {
	o, _ := Parse(url.Values{"client_id": {clientID}}.Encode())
	return o
}

// Script returns the script tag of the widget layer, as in [Options.Code].
func Script(api, clientID string) string { return Default(clientID).script(api).tag() + "</script>" }

func (o Options) react(script Element) string {
	return "export function Content() {\n  return (\n    <>\n      " + strings.TrimSuffix(script.tag(), ">") + " />\n" + o.elements("      ", "\n") + "    </>\n  )\n}\n"
}

func (o Options) vue(script Element) string {
	return "<!-- index.html, in the head -->\n" + script.tag() + "</script>\n\n" +
		"<!-- Content.vue -->\n<template>\n" + o.elements("  ", "\n") + "</template>\n\n" +
		"// vite.config.js, among the plugins\nvue({template: {compilerOptions: {isCustomElement: tag => tag.startsWith('stile-')}}})\n"
}

// elements returns the elements' tags. The last has a fallback, which visitors see if the content
// can't be loaded.
func (o Options) elements(indent, end string) string {
	var b strings.Builder
	all := o.Elements()
	for i, e := range all {
		b.WriteString(indent + e.tag())
		if i == len(all)-1 {
			b.WriteString("\n" + indent + `  <a href="https://publisher.example/">Open this at the publisher</a>` + "\n" + indent)
		}
		b.WriteString("</" + e.Name + ">" + end)
	}
	return b.String()
}

// tag returns the start tag. HTML, JSX and Vue read an attribute's value in the same way.
func (e Element) tag() string {
	var b strings.Builder
	b.WriteString("<" + e.Name)
	for _, a := range e.Attributes {
		b.WriteString(" " + a[0])
		if a[1] != "" {
			b.WriteString(`="` + html.EscapeString(a[1]) + `"`)
		}
	}
	b.WriteString(">")
	return b.String()
}

// Policy returns the Content-Security-Policy that the tenant's page needs.
func Policy(api string) string {
	return "default-src 'none'; script-src " + api + "/widgets/; connect-src 'self' " + api + "; img-src " + api + "; media-src " + api +
		"; require-trusted-types-for 'script'; trusted-types stile; base-uri 'none'"
}

// Route returns a token endpoint for the tenant's server, in Node.js.
func (o Options) Route(api string) string {
	client, path := o.ClientID, o.TokenURL
	if client == "" {
		client = "YOUR_CLIENT_ID"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/stile/token"
	}
	return `app.post('` + path + `', async (req, res) => {
  if (!['same-origin', undefined].includes(req.get('Sec-Fetch-Site'))) return res.sendStatus(403)
  const response = await fetch('` + api + `/oauth/token', {
    method: 'POST',
    headers: {Authorization: 'Basic ' + Buffer.from('` + client + `:' + process.env.STILE_SECRET).toString('base64')},
    body: new URLSearchParams({grant_type: 'client_credentials'}),
  })
  res.set('Cache-Control', 'no-store').status(response.status).send(await response.text())
})
`
}
