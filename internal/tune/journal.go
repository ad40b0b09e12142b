package tune

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filelock"
)

// A journal is a file of JSON lines: the settings of a study, then an outcome a
// line, in the order in which jobs ended. A line is on the disk before the study
// goes on. The last line may be torn by a crash, and is then dropped.
type journal struct {
	name  string
	id    string   // of the study
	file  *os.File // nil: nothing is written down
	known map[int]entry
}

type entry struct {
	outcome Outcome
	line    int
}

// head is the first line of a journal.
type head struct {
	Version  int      `json:"drivecast_study"`
	ID       string   `json:"id"`
	Settings Settings `json:"settings"`
}

const (
	journalVersion = 1
	maxLine        = 1 << 20
	headStart      = `{"drivecast_study":`
)

// idForm is what the name of a study looks like; queries are made of it.
var idForm = regexp.MustCompile(`^[0-9A-Za-z-]{0,64}$`)

// openJournal opens the journal of a study, and makes it, with that id, when there
// is none.
func openJournal(name, id string, s Settings) (*journal, error) {
	j := &journal{name: name, id: id, known: map[int]entry{}}
	if name == "" {
		return j, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, errs.Wrap(err, "open the study")
	}
	j.file = f
	if err := j.open(s); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// open takes the file's lock, reads what is there and goes to where it ends.
func (j *journal) open(s Settings) error {
	if !filelock.Try(j.file) {
		return errs.New(errs.State, "%s: another process works on this study; wait for it, or name another file", j.name)
	}
	whole, err := j.read(s)
	if err != nil {
		return err
	}
	if err := j.file.Truncate(whole); err != nil {
		return errs.Wrap(err, "open the study")
	}
	if _, err := j.file.Seek(whole, io.SeekStart); err != nil {
		return errs.Wrap(err, "open the study")
	}
	if whole == 0 {
		return j.write(head{journalVersion, j.id, s})
	}
	return nil
}

func (j *journal) close() {
	if j.file != nil {
		j.file.Close()
	}
}

// read takes over what the journal holds and returns the length of its whole
// lines.
func (j *journal) read(s Settings) (whole int64, err error) {
	r := bufio.NewReaderSize(j.file, maxLine)
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		switch {
		case err == io.EOF && n == 1 && !bytes.HasPrefix([]byte(headStart), line[:min(len(line), len(headStart))]):
			return 0, j.foreign()
		case err == io.EOF: // a torn line, or none
			return whole, nil
		case err == bufio.ErrBufferFull:
			return 0, j.fault(n, "the line is longer than %d bytes", maxLine)
		case err != nil:
			return 0, errs.Wrap(err, "read the study %s", j.name)
		}
		whole += int64(len(line))
		if n == 1 {
			err = j.readHead(line, s)
		} else {
			err = j.readOutcome(line, n, s)
		}
		if err != nil {
			return 0, err
		}
	}
}

func (j *journal) readHead(line []byte, s Settings) error {
	var h head
	if err := json.Unmarshal(line, &h); err != nil || h.Version == 0 {
		return j.foreign()
	}
	if h.Version != journalVersion {
		return errs.New(errs.Unsupported, "%s: the journal has version %d and this program writes %d; take the program that began it, or another file", j.name, h.Version, journalVersion)
	}
	if !idForm.MatchString(h.ID) {
		return j.foreign()
	}
	j.id = h.ID
	if what, was, is := s.difference(h.Settings); what != "" {
		return errs.New(errs.State, "%s is a study with %s = %s, and now it is %s; run it as it was begun, or name another file with --study",
			j.name, what, shown(was), shown(is))
	}
	return nil
}

// foreign is the error of a file that something else wrote.
func (j *journal) foreign() error {
	return &errs.Input{File: j.name, Row: 1, Problem: "this is not the journal of a study", Mend: "name another file with --study; this one is left as it is"}
}

// shown is a setting for an error message.
func shown(v string) string {
	if v == "" {
		return "none"
	}
	return v
}

func (j *journal) readOutcome(line []byte, n int, s Settings) error {
	var o Outcome
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return j.fault(n, "the line is not an outcome: %v", err)
	}
	if wrong := o.fault(s); wrong != "" {
		return j.fault(n, "%s", wrong)
	}
	if before, twice := j.known[o.Job.Job]; twice {
		return j.fault(n, "job %d is also in line %d", o.Job.Job, before.line)
	}
	j.known[o.Job.Job] = entry{o, n}
	return nil
}

// fault is a line that cannot be right.
func (j *journal) fault(line int, format string, args ...any) error {
	return &errs.Input{File: j.name, Row: line, Problem: fmt.Sprintf(format, args...),
		Mend: "delete that line, and its job runs again, or name another file with --study"}
}

// fault says what is wrong with an outcome that was read, or returns "".
func (o Outcome) fault(s Settings) string {
	switch {
	case o.Job.Job < 0 || o.Trial < 0 || o.Rung < 0:
		return "a number is negative"
	case o.State != Complete && o.State != Pruned && o.State != Failed:
		return fmt.Sprintf("%q is no state", o.State)
	case len(o.Values) > s.Steps || o.State == Complete && len(o.Values) != s.Steps || o.State == Pruned && len(o.Values) == 0:
		return fmt.Sprintf("%d values do not fit a job that is %s of %d steps", len(o.Values), o.State, s.Steps)
	case o.State == Failed && (len(o.Values) > 0 || o.Value != 0):
		return "a job that failed has values"
	case o.State != Failed && o.Value != mean(o.Values):
		return fmt.Sprintf("%v is not the mean of the values", o.Value)
	case math.IsInf(o.Value, 0):
		return "the mean is infinite"
	}
	return ""
}

// matches says in what an outcome of the journal is not that of the job, or
// returns "".
func (o Outcome) matches(j Job, params map[string]string) string {
	switch {
	case o.Trial != j.Trial || o.Rung != j.Rung || o.Share != j.Share:
		return fmt.Sprintf("job %d is trial %d on rung %d, and the line says trial %d on rung %d", j.Job, j.Trial, j.Rung, o.Trial, o.Rung)
	case !slices.Equal(o.Point, j.Point) || !maps.Equal(o.Params, params):
		return fmt.Sprintf("these settings try %v in job %d, and the line says %v", params, j.Job, o.Params)
	}
	return ""
}

// outcome returns what the journal says of a job, and in which line.
func (j *journal) outcome(job int) (Outcome, int, bool) {
	e, ok := j.known[job]
	return e.outcome, e.line, ok
}

func (j *journal) append(o Outcome) error { return j.write(o) }

// write adds a line and brings it to the disk.
func (j *journal) write(v any) error {
	if j.file == nil {
		return nil
	}
	line, err := json.Marshal(v)
	if err != nil {
		return errs.Wrap(err, "write the study %s", j.name)
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return errs.Wrap(err, "write the study %s", j.name)
	}
	return errs.Wrap(j.file.Sync(), "write the study %s", j.name)
}
