package callback

import (
	"strings"
	"testing"
)

// TestPatterns checks which names a pattern allows: exactly one name is free, and it is an
// identifier.
func TestPatterns(t *testing.T) {
	for pattern, names := range map[string]map[string]bool{
		"__gwt_jsonp__.*.onSuccess": {
			"__gwt_jsonp__.P0.onSuccess": true, "__gwt_jsonp__.P0.onFailure": false, "__gwt_jsonp__.onSuccess": false, "__gwt_jsonp__..onSuccess": false,
			"__gwt_jsonp__.P0.x.onSuccess": false, "__gwt_jsonp__.P0.onSuccess.x": false, "x.__gwt_jsonp__.P0.onSuccess": false, "__gwt_jsonp__.P0": false,
			"__gwt_jsonp__.this.onSuccess": false, "__gwt_jsonp__.0.onSuccess": false, "__gwt_jsonp__.a-b.onSuccess": false, "__gwt_jsonp__.*.onSuccess": false,
			"__gwt_jsonp__.__proto__.onSuccess": false, "__gwt_jsonp__.constructor.onSuccess": false,
			"__gwt_jsonp__." + strings.Repeat("a", 64) + ".onSuccess": true, "__gwt_jsonp__." + strings.Repeat("a", 65) + ".onSuccess": false,
		},
		"__ng_jsonp__.*.finished":          {"__ng_jsonp__.__req0.finished": true, "__ng_jsonp__.__req0finished": false},
		"dojo.io.script.*._jsonpCallback":  {"dojo.io.script.jsonp_dojoIoScript1._jsonpCallback": true, "dojo.io.script._jsonpCallback": false},
		"angular.callbacks":                {"angular.callbacks._0": true, "angular.callbacks": false, "angular.callbacks._0.a": false, "angular.callbacksx.a": false},
		"angular.callbacks.*":              {"angular.callbacks._0": true, "angular.callbacks.": false, "angular.callbacks._0.a": false},
		"callbacks":                        {"callbacks.a": true, "callbacks": true, "callbacks.a.b": false},
		"a.*.b." + strings.Repeat("c", 60): {"a." + strings.Repeat("x", 60) + ".b." + strings.Repeat("c", 60): true, "a." + strings.Repeat("x", 64) + ".b." + strings.Repeat("c", 60): false},
		// What Check refuses.
		"": {"a.b": false, ".a": false}, "*": {"a.b": false}, "*.b": {"a.b": false}, "a*": {"ab.c": false}, "a.*b": {"a.xb": false}, "a.*.*": {"a.b.c": false}, "a.": {"a.b": false},
	} {
		for name, want := range names {
			if got := IsValid(name, []string{"x.y", pattern}); got != want {
				t.Errorf("%s with %q: %v", name, pattern, got)
			}
		}
	}
}

// TestInherited checks that no pattern allows what objects and functions inherit: the names of
// Object.getOwnPropertyNames(Object.prototype) and those of Function.prototype, in V8.
func TestInherited(t *testing.T) {
	patterns := []string{"angular.callbacks", "angular.*.x", "angular.*", "a.*.call", "a.toString"}
	for _, part := range strings.Fields(`
		constructor __defineGetter__ __defineSetter__ hasOwnProperty __lookupGetter__ __lookupSetter__
		isPrototypeOf propertyIsEnumerable toString valueOf __proto__ toLocaleString
		length name arguments caller apply bind call prototype`) {
		for _, name := range []string{"angular.callbacks." + part, "angular." + part + ".x", "angular." + part, "a.x.call", "a.toString"} {
			if IsDotted(name) || IsValid(name, patterns) {
				t.Errorf("%s is allowed", name)
			}
		}
		if err := Check("angular." + part); err == nil {
			t.Errorf("angular.%s is a pattern", part)
		}
		if err := Check("a.*." + part); err == nil {
			t.Errorf("a.*.%s is a pattern", part)
		}
	}
	if !IsValid("name.a", []string{"name"}) || Check("name") != nil {
		t.Error("a global variable can't have the name of such a method")
	}
}

// TestCheck checks that what is wrong with a pattern is said.
func TestCheck(t *testing.T) {
	for pattern, want := range map[string]string{
		"angular.callbacks": "", "cb": "", "a.*": "", "__gwt_jsonp__.*.onSuccess": "", "$.a._b1": "",
		"": "not a name", "a b": "not a name", "a..b": "not a name", "a.": "not a name", "a.1": "not a name", "a.this": "not a name", "a.prototype": "inherits", "a.call": "inherits",
		"*": "begin with *", "*.onSuccess": "begin with *", "a.*.*": "more than one *", "a.*.b.*": "more than one *", "a.P*.b": "part of a name", "a*": "part of a name",
		"a." + strings.Repeat("b", 63): "longer than 64",
	} {
		switch err := Check(pattern); {
		case want == "" && err != nil:
			t.Errorf("%q: %v", pattern, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", pattern, err, want)
		}
	}
}
