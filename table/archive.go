package table

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/drivecast/drivecast/errs"
)

func zipMembers(f *os.File, name string, size int64) ([]Member, error) {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, &errs.Input{File: name, Problem: "the zip archive is damaged", Mend: "copy or download the file again"}
	}
	var out []Member
	for _, item := range z.File {
		if climbs(item.Name) {
			return nil, &errs.Input{File: name, Problem: "the archive has a member that climbs out of its folder: " + item.Name,
				Mend: "do not trust this archive"}
		}
		low := strings.ToLower(item.Name)
		hidden := strings.HasPrefix(base(item.Name), ".") || strings.HasPrefix(item.Name, "__MACOSX/")
		if hidden || !strings.HasSuffix(low, ".csv") || item.UncompressedSize64 == 0 {
			continue
		}
		out = append(out, Member{Name: name + "/" + item.Name, Base: base(item.Name), Size: int64(item.CompressedSize64),
			path: name, kind: zipped, item: item.Name})
	}
	if len(out) == 0 {
		return nil, &errs.Input{File: name, Problem: "the archive holds no .csv file", Mend: "put the CSV files into it, or unpack it"}
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.item, b.item) })
	return out, nil
}

func openItem(r io.ReaderAt, size int64, item string) (io.ReadCloser, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	for _, f := range z.File {
		if f.Name == item {
			return f.Open()
		}
	}
	return nil, errs.New(errs.NotFound, "the archive no longer has %s", item)
}

// climbs reports whether a name in an archive points outside the folder that
// the archive would be unpacked to.
func climbs(name string) bool {
	slashed := strings.ReplaceAll(name, `\`, "/")
	return !fs.ValidPath(path.Clean(slashed)) || len(slashed) > 1 && slashed[1] == ':'
}

// damage says in words what is wrong with a packed stream, "" when err is not
// about that.
func damage(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the packed data ends too early here"
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
		errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm):
		return "the packed data is damaged here"
	}
	return ""
}
