package audit

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

var missing = math.NaN()

// Options names the columns that have a part of their own. Empty names are
// looked for.
type Options struct {
	Target string // two values; the rarer one is called a failure unless the values are 0 and 1
	Group  string // names the drive
	Time   string // the day of the row
}

var (
	idName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(|.*[_ .-]id|id|row_?id|row|index|unnamed: ?\d+|uuid|guid|wwn|serial.*|.*serial(_?(number|no|nr))?)$|[a-z]I[dD]$`)
	})
	dateName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^@?(date|datetime|timestamp|time|day)$|[_ .-](date|datetime|timestamp)$|^(date|timestamp)[_ .-]`)
	})
	groupName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^(.*serial(_?(number|no|nr))?|(drive|disk|device|hdd|ssd)(_?(id|serial|number))?)$`)
	})
	clockName  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^(t?start|t?stop|day_?(number|index)?)$`) })
	targetName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^((is_?)?(failure|failed|fails?)(_.*)?|label|target|broken|class|y)$`)
	})
)

// data is a source made ready for the checks.
type data struct {
	*Source
	target, group, time string
	y                   []uint8 // 1 is a failure; nil when the target has not two classes
	classes             [2]string
	n                   [2]int
	drive               []int32 // of each row, -1 unknown; nil without a group
	drives              int
	day                 []smart.Date // NoDate is unknown; nil without a time
	unlabelled          []Row        // rows without a target, the first few
	lost                int          // how many there were
	history             bool         // most drives that recur do so on several days
}

func prepare(s *Source, opt Options) (*data, error) {
	d := &data{Source: s}
	for _, name := range []string{opt.Target, opt.Group, opt.Time} {
		if name != "" && s.Table.Column(name) == nil {
			return nil, &errs.Input{File: s.Path, Row: 1, Column: name, Problem: "the data has no such column", Mend: "name one of " + strings.Join(s.Table.Names(), ", ")}
		}
	}
	if d.target = d.find(opt.Target, targetName(), varies); d.target == "" {
		d.target = d.find("", targetName(), nil)
	}
	if d.target == "" {
		return nil, errs.New(errs.Usage, "%s has no column that is a target by its name; name it with --target: %s", s.Path, strings.Join(s.Table.Names(), ", "))
	}
	d.group = d.find(opt.Group, groupName(), nil)
	d.time = d.find(opt.Time, clockName(), func(c *table.Column) bool { return clockOf(c) != nil })
	if d.time == "" {
		d.time = d.find("", dateName(), func(c *table.Column) bool { return datesOf(c) != nil })
	}
	if err := d.dropUnlabelled(); err != nil {
		return nil, err
	}
	if err := d.readTarget(); err != nil {
		return nil, err
	}
	s = d.Source
	if d.group != "" {
		d.numberDrives()
	}
	if d.time != "" {
		d.day = datesOf(s.Table.Column(d.time))
	}
	d.history = d.hasHistory()
	return d, nil
}

// varies reports whether a column has more than one value.
func varies(c *table.Column) bool {
	for i := range c.Len() {
		if c.TextAt(i) != c.TextAt(0) {
			return true
		}
	}
	return false
}

// maxUnlabelled is the share of rows without a target past which there is no
// target.
const maxUnlabelled = .05

// dropUnlabelled leaves out the rows that have no target.
func (d *data) dropUnlabelled() error {
	c := d.Table.Column(d.target)
	var keep []int
	for i := range c.Len() {
		if c.Kind == table.Number && c.Floats[i] == c.Floats[i] || c.Kind == table.Text && c.Texts[i] != "" {
			keep = append(keep, i)
			continue
		}
		if d.lost++; len(d.unlabelled) < 3 {
			d.unlabelled = append(d.unlabelled, d.rowOf(i))
		}
	}
	if d.lost == 0 {
		return nil
	}
	if float64(d.lost) > maxUnlabelled*float64(c.Len()) {
		return &errs.Input{File: d.Path, Column: d.target, Problem: fmt.Sprintf("the target is missing in %d of %d rows, first at %s", d.lost, c.Len(), d.unlabelled[0].Where),
			Mend: "fill it in, or name another column with --target"}
	}
	var err error
	d.Source, err = d.Source.Take(keep)
	return err
}

func (d *data) find(named string, pattern *regexp.Regexp, fits func(*table.Column) bool) string {
	if named != "" {
		return named
	}
	best := ""
	for _, c := range d.Table.Columns {
		if !pattern.MatchString(c.Name) || c.Name == d.target || fits != nil && !fits(c) {
			continue
		}
		if best == "" || strings.EqualFold(c.Name, "date") || strings.EqualFold(c.Name, "serial_number") || strings.EqualFold(c.Name, "failure") {
			best = c.Name
		}
	}
	return best
}

// readTarget fills in y when the target has two values.
func (d *data) readTarget() error {
	c := d.Table.Column(d.target)
	count := map[string]int{}
	texts := make([]string, c.Len())
	for i := range texts {
		texts[i] = c.TextAt(i)
		if count[texts[i]]++; len(count) > 2 {
			return nil
		}
	}
	var names []string
	for s := range count {
		names = append(names, s)
	}
	slices.Sort(names)
	if len(names) == 1 {
		d.n = [2]int{len(texts), 0}
		d.classes = [2]string{names[0], "another value"}
		if names[0] == "1" {
			d.n, d.classes = [2]int{0, len(texts)}, [2]string{"another value", "1"}
		}
		return nil
	}
	if len(names) == 0 {
		return &errs.Input{File: d.Path, Problem: "there are no rows", Mend: "bring rows"}
	}
	if !slices.Equal(names, []string{"0", "1"}) && count[names[0]] < count[names[1]] {
		slices.Reverse(names)
	}
	d.classes = [2]string(names)
	d.y = make([]uint8, len(texts))
	for i, s := range texts {
		if s == names[1] {
			d.y[i] = 1
		}
		d.n[d.y[i]]++
	}
	return nil
}

func (d *data) numberDrives() {
	c := d.Table.Column(d.group)
	numbers := map[string]int32{}
	d.drive = make([]int32, c.Len())
	for i := range d.drive {
		s := c.TextAt(i)
		if s == "" || strings.EqualFold(s, "redacted") {
			d.drive[i] = -1
			continue
		}
		n, ok := numbers[s]
		if !ok {
			n = int32(len(numbers))
			numbers[s] = n
		}
		d.drive[i] = n
	}
	d.drives = len(numbers)
}

// datesOf returns the days of a column, or nil when fewer than 95 of 100 of its
// first thousand fields are dates.
func datesOf(c *table.Column) []smart.Date {
	if c.Kind != table.Text {
		return clockOf(c)
	}
	known := map[string]smart.Date{}
	out := make([]smart.Date, len(c.Texts))
	bad := 0
	for i, s := range c.Texts {
		day, ok := known[s]
		if !ok {
			var err error
			if day, err = smart.ParseDate(s); err != nil {
				day = smart.NoDate
			}
			if len(known) < 1<<16 {
				known[s] = day
			}
		}
		if out[i] = day; day == smart.NoDate {
			bad++
		}
		if i == 999 && bad > 50 {
			return nil
		}
	}
	if bad*20 > len(out) {
		return nil
	}
	return out
}

// clockOf returns a column of whole numbers that is a clock by its name, as days.
func clockOf(c *table.Column) []smart.Date {
	if c.Kind != table.Number || !clockName().MatchString(c.Name) {
		return nil
	}
	out := make([]smart.Date, len(c.Floats))
	for i, v := range c.Floats {
		if out[i] = smart.NoDate; v == math.Trunc(v) && math.Abs(v) < 1<<31 {
			out[i] = smart.Date(v)
		}
	}
	return out
}

// hasHistory reports whether rows of one drive are mostly of different days.
func (d *data) hasHistory() bool {
	if d.drive == nil || d.day == nil {
		return false
	}
	type key struct {
		drive int32
		day   smart.Date
	}
	seen := make(map[key]struct{}, len(d.drive))
	rows := 0
	for i, g := range d.drive {
		if g >= 0 {
			rows++
			seen[key{g, d.day[i]}] = struct{}{}
		}
	}
	again, later := rows-d.drives, len(seen)-d.drives // rows beyond a drive's first; of them, those of another day
	return again > 0 && later*2 > again
}

// role is the part a column has.
type role uint8

const (
	feature role = iota
	identifier
	date
	target
	text
)

func (d *data) role(c *table.Column) role {
	switch {
	case c.Name == d.target:
		return target
	case c.Name == d.group || idName().MatchString(c.Name):
		return identifier
	case c.Name == d.time && c.Kind == table.Text || dateName().MatchString(c.Name) && (c.Kind == table.Text):
		return date
	case c.Kind == table.Text:
		return text
	}
	return feature
}

// rowOf describes a row by the named columns, target and group included.
func (d *data) rowOf(i int, columns ...string) Row {
	var parts []string
	for _, name := range append([]string{d.group, d.time}, append(columns, d.target)...) {
		c := d.Table.Column(name)
		if name == "" && !slices.Contains(columns, name) || c == nil {
			continue
		}
		p := name + "=" + c.TextAt(i)
		if !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	return Row{Where: d.Where(i), Row: i + 1, Values: strings.Join(parts, " ")}
}

// examples returns up to n rows of each class for which keep holds.
func (d *data) examples(n int, keep func(i int) bool, columns ...string) []Row {
	var out []Row
	var have [2]int
	for i := range d.Table.Rows() {
		c := uint8(0)
		if d.y != nil {
			c = d.y[i]
		}
		if have[c] < n && keep(i) {
			have[c]++
			out = append(out, d.rowOf(i, columns...))
		}
		if have[0] >= n && have[1] >= n {
			break
		}
	}
	return out
}
