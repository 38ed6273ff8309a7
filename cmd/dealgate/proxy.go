package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dealgate/dealgate/configs"
)

func proxyCommand(ctx context.Context, args []string, std streams) error {
	fs := newFlags("proxy")
	to := fs.String("to", "", "the `URL` of your shop, such as http://localhost:3000 (required)")
	rate := fs.String("rate", "", "sessions that may begin: `N/s`, N/m or N/h; without it, --capacity is needed")
	capacity := fs.Int("capacity", 0, "sessions at once; 0 is unlimited")
	path := fs.String("path", "/*", "what is protected: an exact path or a prefix such as /deals/*")
	listen := fs.String("listen", ":8080", "where visitors come in")
	admin := fs.String("admin", "127.0.0.1:9090", "where operators and metrics come in")
	data := fs.String("data", "./data", "the `FOLDER` that keeps places and sessions")
	if goOn, err := parseFlags(fs, args, std); !goOn {
		return err
	}
	if *to == "" {
		return usagef("proxy: --to is required: the address of your shop, such as http://localhost:3000")
	}
	if *rate == "" && *capacity == 0 {
		return usagef("proxy: --rate or --capacity is required, such as --rate 50/s")
	}
	cfg, err := inline("proxy", map[string]string{
		"listen": *listen, "admin": *admin, "data": *data, "to": *to, "rate": *rate, "path": *path,
		"capacity": fmt.Sprint(*capacity),
	})
	if err != nil {
		return err
	}
	return runGate(ctx, cfg, std, waitFor)
}

// inline is the configuration that the flags of a command stand for, checked as
// a file would be.
func inline(command string, values map[string]string) (*configs.Config, error) {
	const template = `listen: <listen>
admin: {listen: <admin>}
store: {path: <data>}
upstreams: [{name: shop, targets: [<to>]}]
rooms: [{name: shop, match: [{path: <path>}], upstream: shop, admit: {<rate>capacity: <capacity>}}]
routes: [{match: [{path: "/*"}], upstream: shop}]
`
	var pairs []string
	for name, value := range values {
		quoted, err := json.Marshal(value) // a JSON string is a YAML string
		if err != nil {
			return nil, err
		}
		text := string(quoted)
		switch {
		case name == "capacity":
			text = value
		case name == "rate" && value == "":
			text = ""
		case name == "rate":
			text = "rate: " + text + ", "
		}
		pairs = append(pairs, "<"+name+">", text)
	}
	text := strings.NewReplacer(pairs...).Replace(template)
	cfg, err := configs.Parse("flags", []byte(text), os.LookupEnv)
	if faults := (configs.Faults)(nil); errors.As(err, &faults) {
		return nil, usagef("%s: %s", command, flagFaults(faults))
	}
	return cfg, err
}

// flagFaults says the faults of the configuration in the words of the flags.
func flagFaults(faults configs.Faults) string {
	flags := strings.NewReplacer(
		"upstreams[0].targets[0]", "--to", "rooms[0].admit.rate", "--rate", "rooms[0].admit.capacity", "--capacity",
		"rooms[0].match[0].path", "--path", "admin.listen", "--admin", "store.path", "--data", "listen", "--listen")
	var lines []string
	for _, f := range faults {
		lines = append(lines, flags.Replace(f.Key)+": "+f.Text)
	}
	return strings.Join(lines, "\n")
}
