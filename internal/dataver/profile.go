package dataver

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Profile is what a version of data holds as a table, all its files together.
type Profile struct {
	Files   int      `json:"files"`
	Tables  int      `json:"tables"` // CSV streams and Parquet files among them
	Rows    int64    `json:"rows"`
	Drives  int      `json:"drives"`          // different values of the drive column; 0 without one
	Columns []Column `json:"columns"`         // in the order of their first appearance
	Label   string   `json:"label,omitempty"` // the column of labels, "" when there is none
	Labeled int64    `json:"labeled"`         // rows with a label
	// Positive is how many labels are neither 0, "0" nor false.
	Positive int64 `json:"positive"`

	serials map[string]struct{}
}

// Column is a column of a version: "number", "text", or "empty" when no row has a value.
type Column struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// LabelRate is the share of positive labels; NaN without labels.
func (p *Profile) LabelRate() float64 {
	if p.Labeled == 0 {
		return math.NaN()
	}
	return float64(p.Positive) / float64(p.Labeled)
}

// ProfileOptions name the columns that mean something; "" finds them by the names
// that are usual.
type ProfileOptions struct{ Drive, Label string }

var (
	driveColumns = []string{"serial_number", "serial", "drive_id", "disk_id", "serial number"}
	labelColumns = []string{"failure", "failed", "label", "target"}
)

// Describe reads all tables of a version once. Files that are no tables are only
// counted.
func Describe(ctx context.Context, v *Version, o ProfileOptions) (*Profile, error) {
	p := &profiler{o: o, drives: map[string]struct{}{}, kinds: map[string]int{}}
	for _, name := range sortedKeys(v.Files) {
		p.Files++
		if !isTable(name) {
			continue
		}
		members, err := table.Members(v.Files[name])
		if err != nil {
			return nil, errs.Wrap(err, "%s", v.Label)
		}
		for _, m := range members {
			if err := p.read(ctx, m); err != nil {
				return nil, errs.Wrap(err, "%s", v.Label)
			}
		}
	}
	p.Drives = len(p.drives)
	for i := range p.Columns {
		p.Columns[i].Kind = [...]string{"empty", "number", "text"}[p.kinds[p.Columns[i].Name]]
	}
	p.serials = p.drives
	return &p.Profile, nil
}

func isTable(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{".csv", ".csv.gz", ".tsv", ".zip", ".parquet", ".gz"}, func(e string) bool { return strings.HasSuffix(name, e) })
}

type profiler struct {
	Profile
	o      ProfileOptions
	drives map[string]struct{}
	kinds  map[string]int // of columns: 0 empty, 1 number, 2 text
}

func (p *profiler) read(ctx context.Context, m table.Member) error {
	body, err := m.Open(nil)
	if err != nil {
		return err
	}
	defer body.Close()
	s, err := table.NewScanner(reader{ctx, body}, m.Name, 0)
	if err != nil {
		return err
	}
	s.All()
	names := s.Names()
	kinds := make([]int, len(names))
	for _, n := range names {
		if _, ok := p.kinds[n]; !ok {
			p.kinds[n] = 0
			p.Columns = append(p.Columns, Column{Name: n})
		}
	}
	drive, label := pickColumn(names, p.o.Drive, driveColumns), pickColumn(names, p.o.Label, labelColumns)
	if label >= 0 {
		p.Label = names[label]
	}
	for s.Next() {
		p.Rows++
		for i := range min(s.Len(), len(names)) {
			kinds[i] = widen(kinds[i], s, i)
		}
		p.note(s, drive, label)
	}
	for i, n := range names {
		p.kinds[n] = max(p.kinds[n], kinds[i])
	}
	p.Tables++
	return s.Err()
}

func widen(kind int, s *table.Scanner, i int) int {
	if kind == 2 {
		return 2
	}
	cell := s.Field(i)
	if len(cell) == 0 {
		return kind
	}
	if v, ok := s.Number(cell); !ok {
		return 2
	} else if math.IsNaN(v) {
		return kind
	}
	return 1
}

func (p *profiler) note(s *table.Scanner, drive, label int) {
	if drive >= 0 && drive < s.Len() {
		if cell := s.Field(drive); len(cell) > 0 {
			if _, ok := p.drives[string(cell)]; !ok {
				p.drives[string(cell)] = struct{}{}
			}
		}
	}
	if label < 0 || label >= s.Len() {
		return
	}
	switch cell := s.Field(label); strings.ToLower(string(cell)) {
	case "":
		return
	case "0", "0.0", "false", "no":
	default:
		p.Positive++
	}
	p.Labeled++
}

func pickColumn(names []string, chosen string, usual []string) int {
	if chosen != "" {
		return slices.Index(names, chosen)
	}
	for _, u := range usual {
		if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, u) }); i >= 0 {
			return i
		}
	}
	return -1
}

// Difference is what changed from one version to another.
type Difference struct {
	A                 *Profile `json:"a"`
	B                 *Profile `json:"b"`
	Added             []string `json:"added"` // files
	Removed           []string `json:"removed"`
	Modified          []string `json:"modified"`
	AddedColumns      []Column `json:"added_columns"`
	RemovedColumns    []Column `json:"removed_columns"`
	ChangedColumns    []Column `json:"changed_columns"` // with the kinds that they have now
	AppearedDrives    int      `json:"appeared_drives"` // in B and not in A
	DisappearedDrives int      `json:"disappeared_drives"`
}

// Diff compares two versions: their files by content, and what their tables hold.
func Diff(ctx context.Context, a, b *Version, o ProfileOptions) (*Difference, error) {
	d := &Difference{Added: []string{}, Removed: []string{}, Modified: []string{}}
	var err error
	if d.A, err = Describe(ctx, a, o); err != nil {
		return nil, err
	}
	if d.B, err = Describe(ctx, b, o); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(a.OIDs) {
		switch oid, ok := b.OIDs[name]; {
		case !ok && len(a.OIDs) == 1 && len(b.OIDs) == 1:
			if other := sortedKeys(b.OIDs)[0]; b.OIDs[other] != a.OIDs[name] {
				d.Modified = append(d.Modified, other) // one file against another, whatever their names
			}
		case !ok:
			d.Removed = append(d.Removed, name)
		case oid != a.OIDs[name]:
			d.Modified = append(d.Modified, name)
		}
	}
	for _, name := range sortedKeys(b.OIDs) {
		if _, ok := a.OIDs[name]; !ok && (len(a.OIDs) != 1 || len(b.OIDs) != 1) {
			d.Added = append(d.Added, name)
		}
	}
	d.columns()
	d.AppearedDrives, d.DisappearedDrives = lacks(d.A.serials, d.B.serials), lacks(d.B.serials, d.A.serials)
	return d, nil
}

func (d *Difference) columns() {
	was, is := map[string]string{}, map[string]string{}
	for _, c := range d.A.Columns {
		was[c.Name] = c.Kind
	}
	for _, c := range d.B.Columns {
		is[c.Name] = c.Kind
		switch kind, ok := was[c.Name]; {
		case !ok:
			d.AddedColumns = append(d.AddedColumns, c)
		case kind != c.Kind:
			d.ChangedColumns = append(d.ChangedColumns, c)
		}
	}
	for _, c := range d.A.Columns {
		if _, ok := is[c.Name]; !ok {
			d.RemovedColumns = append(d.RemovedColumns, c)
		}
	}
}

// lacks counts what b has and a has not.
func lacks(a, b map[string]struct{}) (n int) {
	for k := range b {
		if _, ok := a[k]; !ok {
			n++
		}
	}
	return n
}
