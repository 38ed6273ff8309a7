// Command dealgate is a virtual waiting room in front of a shop, with a shop of
// its own. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// version is set by the linker; see [fullVersion].
var version string

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a command called wrongly: exit status 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// streams are what a command takes from the process.
type streams struct {
	out, err io.Writer
}

type command struct {
	name, args, does string
	run              func(ctx context.Context, args []string, std streams) error
}

func commands() []command {
	return []command{
		{"demo", "", "gate, shop with sample deals and a synthetic crowd in one process", demo},
		{"proxy", "--to URL --rate 50/s", "a gate in front of a shop, in one line and without a file", proxyCommand},
		{"serve", "--config FILE", "the gate, and the bundled shop if configured", serve},
		{"check", "--config FILE", "says every fault of a configuration as file:line: key: …", check},
		{"defaults", "", "prints the full commented configuration", defaults},
		{"version", "", "prints the version", printVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "dealgate:", err)
	if usage := (usageError{}); errors.As(err, &usage) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}

// run is the program without its process: an error's exit status is main's
// business.
func run(ctx context.Context, args []string, std streams) error {
	if len(args) == 0 {
		return usagef("no command given\n\n%s", help())
	}
	name := args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(std.out, help())
		return nil
	case "-v", "-version", "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args[1:], std)
		}
	}
	return usagef("unknown command %q; want one of %s", name, commandNames())
}

func commandNames() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

func help() string {
	var b strings.Builder
	b.WriteString(`Dealgate holds a surge of visitors on an honest page and lets them through at
the pace your shop bears.

  dealgate demo                                             see it work
  dealgate proxy --to http://localhost:3000 --rate 50/s     put it in front of a shop
  dealgate serve --config dealgate.yaml                     run it for real

Commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-30s %s\n", strings.TrimSpace(c.name+" "+c.args), c.does)
	}
	b.WriteString("\n'dealgate COMMAND -h' lists its flags. Exit status: 0, 1 failed, 2 wrong usage.\n")
	return b.String()
}

// newFlags returns the flag set of a command; parse errors are usage errors.
func newFlags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs
}

// parseFlags parses args, which take no positional argument. It reports
// whether the command should go on: -h prints the flags and ends it.
func parseFlags(fs *flag.FlagSet, args []string, std streams) (goOn bool, err error) {
	err = fs.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(std.out, "dealgate %s:\n", fs.Name())
		fs.SetOutput(std.out)
		fs.PrintDefaults()
		return false, nil
	case err != nil && strings.HasSuffix(err.Error(), "parse error"): // flag's words for a number or a duration
		return false, usagef("%s: %v: want a whole number, or a time with its unit such as 2m; 'dealgate %s -h' lists the flags",
			fs.Name(), err, fs.Name())
	case err != nil:
		return false, usagef("%s: %v; 'dealgate %s -h' lists the flags", fs.Name(), err, fs.Name())
	case fs.NArg() > 0:
		return false, usagef("%s: unexpected argument %q; 'dealgate %s -h' lists the flags", fs.Name(), fs.Arg(0), fs.Name())
	}
	return true, nil
}

func printVersion(_ context.Context, args []string, std streams) error {
	if goOn, err := parseFlags(newFlags("version"), args, std); !goOn {
		return err
	}
	fmt.Fprintln(std.out, "dealgate", fullVersion())
	return nil
}

// fullVersion is the linker's version, or what the Go toolchain recorded.
func fullVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
