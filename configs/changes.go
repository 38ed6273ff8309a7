package configs

import (
	"reflect"
	"strings"
)

// atStart are the keys that a process reads when it starts, with all that is
// in them. They are marked "Restart" in default.yaml.
var atStart = []string{"listen", "admin", "store", "backend.database", "backend.pay_within", "backend.seller_key"}

// Changes names the keys that differ between running, as the process was
// started, and next, and that a reload does not take over: they need a restart.
// A backend that comes or goes is "backend". None: a reload takes all.
func Changes(running, next *Config) []string {
	var changed []string
	if (running.Backend == nil) != (next.Backend == nil) {
		changed = append(changed, "backend")
	}
	differ(reflect.ValueOf(*running), reflect.ValueOf(*next), "", func(key string) {
		for _, k := range atStart {
			if key == k || strings.HasPrefix(key, k+".") {
				changed = append(changed, key)
			}
		}
	})
	return changed
}

// differ calls report with the keys of the values that differ. Lists are
// compared as a whole; of an optional section that one side lacks nothing is said.
func differ(a, b reflect.Value, key string, report func(string)) {
	t := a.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			differ(a.Elem(), b.Elem(), key, report)
		}
	case t.Kind() == reflect.Struct && !isScalar(t):
		for i, name := range keysOf(t) {
			differ(a.Field(i), b.Field(i), join(key, name), report)
		}
	case !reflect.DeepEqual(a.Interface(), b.Interface()):
		report(key)
	}
}
