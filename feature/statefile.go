package feature

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// SaveFile saves the history at path. There is never half a file at path: the
// history goes to the disk under another name first.
func (f *Fold) SaveFile(path string) error {
	return table.WriteFile(path, f.Save)
}

// LoadFile loads the history that SaveFile saved at path, for the features of
// spec. Errors name the file: they are of kind NotFound when there is none,
// Invalid when it is damaged, something else or the history of other features,
// and Unsupported when it is of another version.
func LoadFile(path string, spec Spec) (*Fold, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "%s: there is no such file", path)
	} else if err != nil {
		return nil, errs.Wrap(err, "load history")
	}
	f, err := loadFold(text)
	if err != nil {
		return nil, errs.Wrap(err, "%s", path)
	}
	if why := spec.differs(f.spec); why != "" {
		return nil, errs.New(errs.Invalid, "%s: the history was kept for another model: %s; name another file, or make this one anew from the data", path, why)
	}
	return f, nil
}

// LastDay returns the last day of the history that SaveFile saved at path, without
// loading it: NoDate when it has no day. Errors are those of LoadFile.
func LastDay(path string) (smart.Date, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return smart.NoDate, errs.New(errs.NotFound, "%s: there is no such file", path)
	} else if err != nil {
		return smart.NoDate, errs.Wrap(err, "load history")
	}
	defer file.Close()
	start := make([]byte, len(stateMagic)+sectionHead)
	n, err := io.ReadFull(file, start)
	if err == nil {
		size := int(min(binary.LittleEndian.Uint32(start[len(stateMagic):]), maxHead))
		start = append(start, make([]byte, size)...)
		n, err = io.ReadFull(file, start[len(stateMagic)+sectionHead:])
		n += len(stateMagic) + sectionHead
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return smart.NoDate, errs.Wrap(err, "load history")
	}
	head, _, err := loadHead(start[:n])
	if err != nil {
		return smart.NoDate, errs.Wrap(err, "%s", path)
	}
	return head.Today, nil
}

// differs says how a history's features differ from the wanted ones, "" when they
// do not.
func (s Spec) differs(kept Spec) string {
	if s.Version != kept.Version {
		return "its features are of another version"
	}
	if s.Memory != kept.Memory {
		return fmt.Sprintf("it reaches %d days back where %d are wanted", kept.Memory, s.Memory)
	}
	var parts []string
	for _, p := range []struct {
		verb string
		of   Spec
		not  Spec
	}{{"it lacks ", s, kept}, {"it has ", kept, s}} {
		var names []string
		for _, a := range p.of.Attributes {
			if !slices.Contains(p.not.Attributes, a) {
				names = append(names, a)
			}
		}
		if names != nil {
			parts = append(parts, p.verb+strings.Join(names, ", "))
		}
	}
	switch {
	case parts != nil:
		return strings.Join(parts, " and ")
	case !slices.Equal(s.Attributes, kept.Attributes):
		return "its attributes stand in another order"
	}
	return ""
}
