package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/dealgate/dealgate/configs"
)

//go:embed demo.yaml
var demoYAML []byte
