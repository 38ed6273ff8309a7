package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dealgate/dealgate/configs"
)

func check(_ context.Context, args []string, std streams) error {
	fs := newFlags("check")
	file := fs.String("config", "dealgate.yaml", "the configuration `FILE`")
	if goOn, err := parseFlags(fs, args, std); !goOn {
		return err
	}
	_, err := configs.Load(*file)
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
