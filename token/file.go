package token

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxKeyFile bounds a key file, in bytes.
const maxKeyFile = 16 << 10

// readKey returns what a key file holds, without the line end that editors add.
// A file that others than its owner may read or write is refused. The errors
// do not name the file: its name may come from where nothing may be shown.
func readKey(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // to open a FIFO would wait for its writer
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return nil, pathErr.Err
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	// The mode is that of the file opened, not of whatever the name says next.
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may read or write it (mode %04o): chmod 600 it", info.Mode().Perm())
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("larger than a key: %d bytes", info.Size())
	}
	secret, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	secret = bytes.TrimSuffix(secret, []byte("\n"))
	secret = bytes.TrimSuffix(secret, []byte("\r"))
	if len(secret) == 0 {
		return nil, errors.New("the file is empty")
	}
	return secret, nil
}

// base32Letters are those of rand.Text.
const base32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// Generate returns the HS256 key kept in the file at path. If there is none, it
// makes one with a random secret, mode 0600, complete or not at all; it never
// overwrites a file, and refuses one that holds anything else. The key's ID is derived from its secret, so that nodes
// with the same file agree on it.
func Generate(path string) (Key, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return Key{}, err
		}
	}
	secret, err := readKey(path)
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	if len(secret) != 2*len(rand.Text()) || strings.Trim(string(secret), base32Letters) != "" {
		return Key{}, fmt.Errorf("%s: not a key that was made here: restore it, or remove it and every token it signed is void", path)
	}
	sum := sha256.Sum256(append([]byte("dealgate key id\x00"), secret...))
	return Key{ID: "k" + hex.EncodeToString(sum[:4]), Alg: "HS256", Secret: secret, File: path}, nil
}

// makeKey writes a new secret beside path and links it there, which fails with
// fs.ErrExist if another process was first.
func makeKey(path string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(rand.Text() + rand.Text() + "\n") // 260 random bits in base32
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
