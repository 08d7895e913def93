package handlers

import (
	"reflect"
	"strings"
	"testing"

	"stile.example/stile/content"
)

// TestBrackets checks that lists and objects, as jQuery, PHP, Rails and qs write them, mean what
// they say, in a query and in a form, and that any other name with brackets is refused and not
// charged.
func TestBrackets(t *testing.T) {
	s := newSite(t)
	value := func(pairs ...string) (all []content.AttributeValue) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, content.AttributeValue{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	for query, want := range map[string]content.Query{
		"tag[]=a&tag[]=b":         {Tags: []string{"a", "b"}},
		"tag%5B%5D=a&tag%5b%5d=b": {Tags: []string{"a", "b"}},
		"tag[0]=a&tag[1]=b":       {Tags: []string{"a", "b"}},
		"tag[10]=a&tag=b":         {Tags: []string{"a", "b"}},
		"tag[]=":                  {},
		"attribute[n]=3":          {Attributes: value("n", "3")},
		"attribute%5Bn%5D=3&attribute.course=Soup":                                                                          {Attributes: value("n", "3", "course", "Soup")},
		"attribute[course][]=Soup&attribute[course][]=Cake":                                                                 {Attributes: value("course", "Soup", "course", "Cake")},
		"attribute[course][0]=Soup&attribute[course][1]=Cake":                                                               {Attributes: value("course", "Soup", "course", "Cake")},
		"attribute.course[]=Soup&attribute.course%5B1%5D=Cake":                                                              {Attributes: value("course", "Soup", "course", "Cake")},
		"attribute[2024]=x&attribute.price[EUR]=3&attribute[a.b+c]=d":                                                       {Attributes: value("2024", "x", "price[EUR]", "3", "a.b c", "d")},
		"tag=a&_=17&_dc=1&request.preventCache=2&dojo.preventCache=3&nocache=4&noCache=5&cb=6&cachebuster=7&rnd=.5&t=1&v=2": {Tags: []string{"a"}},
	} {
		for _, method := range []string{"GET", "POST"} {
			token := s.mint()
			s.corpus.asked = content.Query{}
			a := ask{method: method, path: "/v1/items?" + query + "&client_id=acme&access_token=" + token}
			if method == "POST" {
				a.path, a.body, _ = strings.Cut(a.path, "?")
			}
			rec := s.do(a)
			if rec.Code != 200 || !reflect.DeepEqual(s.corpus.asked.Tags, want.Tags) || !reflect.DeepEqual(s.corpus.asked.Attributes, want.Attributes) {
				t.Errorf("%s %s: %d %s; asked %+v", method, query, rec.Code, rec.Body, s.corpus.asked)
			}
		}
	}
	charged := s.Meter.Used(1, s.now)
	for name, shown := range map[string]string{
		"tag[a]": "tag[a]", "tag[": "tag[", "tag]": "tag]", "tag[]x": "tag[]x", "tag[][]": "tag[][]", "tag[-1]": "tag[-1]", "tags[]": "tags[]", "[]": "[]", "[tag]": "[tag]",
		"attribute[]": "attribute[]", "attribute[": "attribute[", "attribute[a": "attribute[a", "attribute[a[b]]": "attribute[a[b]]", "attribute[a]x": "attribute[a]x", "attribute[a][b]": "attribute[a][b]", "attributes[a]": "attributes[a]",
		"q[]": "q[]", "facets[]": "facets[]", "limit[0]": "limit[0]", "min[minutes]": "min[minutes]", "min.minutes[]": "min.minutes[]", "callback[]": "callback[]", "client_id[]": "client_id[]", "filter%5Btag%5D": "filter[tag]",
		"%3Cb%3E[]": "a parameter's name", "x" + strings.Repeat("x", 64) + "[]": "a parameter's name",
	} {
		for _, path := range []string{"/v1/items", "/v1/items/one", "/v1/suggest", "/v1/token"} {
			for _, callback := range []string{"", "&callback=cb"} {
				rec := s.do(ask{path: path + "?client_id=acme&access_token=" + s.mint() + "&" + name + "=x" + callback})
				body := rec.Body.String()
				if !strings.Contains(body, `"code":"bad_request"`) || !strings.Contains(body, shown+" has brackets") || strings.HasPrefix(body, "/**/ typeof cb ") != (callback != "") {
					t.Errorf("%s?%s%s: %d %s", path, name, callback, rec.Code, body)
				}
			}
			rec := s.do(ask{method: "POST", path: path, body: "client_id=acme&access_token=" + s.mint() + "&" + name + "=x"})
			if rec.Code != 400 || !strings.Contains(rec.Body.String(), shown+" has brackets") {
				t.Errorf("POST %s %s: %d %s", path, name, rec.Code, rec.Body)
			}
		}
	}
	if now := s.Meter.Used(1, s.now); now != charged {
		t.Errorf("%d refused calls are charged", now-charged)
	}
}
