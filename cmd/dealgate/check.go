package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/token"
)

func check(_ context.Context, args []string, std streams) error {
	fs := newFlags("check")
	file := fs.String("config", "dealgate.yaml", "the configuration `FILE`")
	if goOn, err := parseFlags(fs, args, std); !goOn {
		return err
	}
	_, err := load(*file)
	if faults := (configs.Faults)(nil); errors.As(err, &faults) {
		fmt.Fprintln(std.out, faults)
		return fmt.Errorf("%s: %s", *file, counted(len(faults), "fault"))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%s: valid\n", *file)
	return nil
}

// load reads a configuration and the keys it names, so that every command says
// the same about a file.
func load(file string) (*configs.Config, error) {
	return configs.Load(file, goodKeys)
}

// goodKeys holds keys against the rules of package token.
func goodKeys(cfg *configs.Config, fault func(key, text string)) {
	for i, err := range token.Check(tokenKeys(cfg)) {
		field := "secret"
		if cfg.Tokens.Keys[i].File != "" {
			field = "file"
		}
		if err != nil {
			fault(fmt.Sprintf("tokens.keys[%d].%s", i, field), err.Error())
		}
	}
}

// tokenKeys is the configured keys as package token takes them.
func tokenKeys(cfg *configs.Config) []token.Key {
	var keys []token.Key
	for _, k := range cfg.Tokens.Keys {
		keys = append(keys, token.Key{ID: k.ID, Alg: k.Alg, Secret: []byte(k.Secret), File: k.File})
	}
	return keys
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func defaults(_ context.Context, args []string, std streams) error {
	if goOn, err := parseFlags(newFlags("defaults"), args, std); !goOn {
		return err
	}
	_, err := std.out.Write(configs.Default)
	return err
}
