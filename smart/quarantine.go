package smart

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"os"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Quarantine writes bad rows to a file: CSV with the columns file, line, reason
// and row, or JSON objects with these members, one a line, when the file's name
// ends in .jsonl. The file is written as rows come, so that it is there also when
// reading is stopped for them. It is not safe for concurrent use.
type Quarantine struct {
	path string
	file *os.File
	out  *bufio.Writer
	csv  *csv.Writer // nil for JSON
	rows int
	err  error
}

// NewQuarantine begins a file at path, in place of one that is there.
func NewQuarantine(path string) (*Quarantine, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, errs.Wrap(err, "begin the quarantine file")
	}
	q := &Quarantine{path: path, file: f, out: bufio.NewWriter(f)}
	if !strings.HasSuffix(strings.ToLower(path), ".jsonl") {
		q.csv = csv.NewWriter(q.out)
		q.err = q.csv.Write([]string{"file", "line", "reason", "row"})
	}
	return q, nil
}

// Add writes a row; it is of the type of Options.Quarantine.
func (q *Quarantine) Add(b BadRow) {
	if q.err != nil {
		return
	}
	q.rows++
	if q.csv != nil {
		q.err = q.csv.Write([]string{b.File, strconv.Itoa(b.Line), b.Reason, b.Text})
		return
	}
	text, err := json.Marshal(struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Reason string `json:"reason"`
		Row    string `json:"row"`
	}{b.File, b.Line, b.Reason, b.Text})
	if err == nil {
		_, err = q.out.Write(append(text, '\n'))
	}
	q.err = err
}

// Rows returns how many rows were added.
func (q *Quarantine) Rows() int { return q.rows }

// Close completes the file. It returns the first error of writing, if any.
func (q *Quarantine) Close() error {
	if q.csv != nil {
		q.csv.Flush()
		if q.err == nil {
			q.err = q.csv.Error()
		}
	}
	if err := q.out.Flush(); q.err == nil {
		q.err = err
	}
	if err := q.file.Sync(); q.err == nil && !strings.HasPrefix(q.path, "/dev/") {
		q.err = err
	}
	if err := q.file.Close(); q.err == nil {
		q.err = err
	}
	return errs.Wrap(q.err, "write the quarantine file %s", q.path)
}
