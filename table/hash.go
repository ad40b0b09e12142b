package table

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// HashPath returns the content hash of the data at path, 64 hexadecimal digits.
// For a file it is the SHA-256 of its bytes, as sha256sum prints it. For a folder
// it is the SHA-256 of the sorted lines, one for each file below it: the name
// relative to the folder with forward slashes, a space, the SHA-256 of the file's
// bytes, a line feed. Files and folders whose names begin with a dot are left out.
func HashPath(ctx context.Context, path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", errs.Wrap(err, "hash data")
	}
	if !st.IsDir() {
		return hashFile(ctx, path)
	}
	var lines []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p != path && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		sum, err := hashFile(ctx, p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(path, p)
		lines = append(lines, filepath.ToSlash(name)+" "+sum+"\n")
		return err
	})
	if err != nil {
		return "", errs.Wrap(err, "hash %s", path)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:]), nil
}

func hashFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", errs.Wrap(err, "hash data")
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", errs.Wrap(err, "hash data")
		}
	}
}
