package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// WriteFile makes a file at path of what fill writes: under a temporary name in
// the same folder, brought to the disk, and then renamed, so that there is never
// half a file at path. A failure leaves what was there before. A folder at path is an
// error of kind Invalid; faults of what fill reads pass as they are.
func WriteFile(path string, fill func(w io.Writer) error) (err error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return errs.New(errs.Invalid, "%s is a folder; name a file to write", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return errs.Wrap(unnamed(err, path), "write %s", path)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			if k := errs.KindOf(err); k != errs.Invalid && k != errs.Usage && k != errs.Canceled {
				err = errs.Wrap(unnamed(err, path), "write %s", path)
			}
		}
	}()
	w := bufio.NewWriterSize(f, 256<<10)
	if err = fill(w); err != nil {
		return err
	}
	if err = w.Flush(); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// unnamed takes the temporary name of the file at path out of what the system says.
func unnamed(err error, path string) error {
	temporary := "." + filepath.Base(path) + "."
	if p := (*fs.PathError)(nil); errors.As(err, &p) && strings.Contains(p.Path, temporary) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) && strings.Contains(l.Old, temporary) {
		return l.Err
	}
	return err
}

// WriteCSV writes t as a CSV file with a header, through WriteFile. Numbers have
// the fewest digits that read back to the same float64, missing fields are
// empty.
func WriteCSV(path string, t *Table) error {
	return WriteFile(path, func(w io.Writer) error { return EncodeCSV(w, t) })
}

// EncodeCSV writes t to w as WriteCSV writes it to a file.
func EncodeCSV(w io.Writer, t *Table) error {
	var line []byte
	for i, c := range t.Columns {
		line = appendField(line, i, c.Name)
	}
	for r := range t.Rows() {
		if _, err := w.Write(endLine(line)); err != nil {
			return err
		}
		line = line[:0]
		for i, c := range t.Columns {
			if c.Kind == Text || c.Raw != nil {
				text := c.TextAt(r)
				if c.Kind == Number { // a decimal comma would make it a text where commas part the fields
					text = strings.Replace(text, ",", ".", 1)
				}
				line = appendField(line, i, text)
				continue
			}
			if i > 0 {
				line = append(line, ',')
			}
			line = AppendNumber(line, c.Floats[r])
		}
	}
	_, err := w.Write(endLine(line))
	return err
}

// endLine closes a line. A line of one empty field is written as quotes, since a
// blank line is no row.
func endLine(line []byte) []byte {
	if len(line) == 0 {
		line = append(line, '"', '"')
	}
	return append(line, '\n')
}

func appendField(line []byte, i int, text string) []byte {
	if i > 0 {
		line = append(line, ',')
	}
	return AppendText(line, text)
}

// AppendText appends a field of a CSV line, in quotes when it holds a separator,
// a quote, a line end, or a space at an end, or begins with a byte order mark.
func AppendText(line []byte, text string) []byte {
	if !needsQuotes(text) {
		return append(line, text...)
	}
	line = append(line, '"')
	line = append(line, bytes.ReplaceAll([]byte(text), []byte{'"'}, []byte(`""`))...)
	return append(line, '"')
}

func needsQuotes(text string) bool {
	if text == "" {
		return false
	}
	for i := range len(text) {
		switch text[i] {
		case ',', ';', '\t', '"', '\n', '\r':
			return true
		}
	}
	return text[0] == ' ' || text[len(text)-1] == ' ' || strings.HasPrefix(text, string(byteOrderMark))
}
