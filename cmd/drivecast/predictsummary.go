package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/drivecast/drivecast/internal/score"
)

// fleetSummary is what was read and written.
type fleetSummary struct {
	Output     string `json:"output"`
	Rows       int    `json:"rows"`           // written
	Day        string `json:"last_day"`       // of the history
	Drives     int    `json:"drives"`         // of the history
	Bad        int    `json:"bad_rows"`       // not readable: see --quarantine
	Nameless   int    `json:"without_serial"` // passed over
	Duplicates int    `json:"duplicates"`     // a second reading of a drive and day, passed over
	Late       int    `json:"late"`           // older than the drive's last one, passed over
	Again      int    `json:"given_again"`    // of a day that the history has
	Missed     int    `json:"missed_days"`    // between two readings of a drive

	First []toldDrive `json:"riskiest"` // of the last day
}

// toldDrives is how many drives the summary names.
const toldDrives = 5

// toldDrive is one of the riskiest drives. Bounds are null for a model without them.
type toldDrive struct {
	Day         string   `json:"date"`
	Serial      string   `json:"serial_number"`
	Model       string   `json:"model"`
	Probability float64  `json:"probability"`
	Low         *float64 `json:"lower"`
	High        *float64 `json:"upper"`
	Risk        string   `json:"risk"`
	Reason      string   `json:"reason,omitempty"`
	Why         string   `json:"why,omitempty"`
}

func tellDrives(first []score.Ranked) []toldDrive {
	out := []toldDrive{}
	for _, d := range first[:min(len(first), toldDrives)] {
		t := toldDrive{d.Day.String(), d.Serial, d.Model, d.Probability, &d.Low, &d.High, d.Risk, d.Reason, d.Why}
		if d.Low != d.Low {
			t.Low, t.High = nil, nil
		}
		out = append(out, t)
	}
	return out
}

// print tells of a drive in a line.
func (t *toldDrive) print(w io.Writer, place int) {
	fmt.Fprintf(w, "%2d. %s (%s): %.2g%%", place, t.Serial, t.Model, 100*t.Probability)
	if t.Low != nil {
		fmt.Fprintf(w, ", %.2g%% to %.2g%%", 100**t.Low, 100**t.High)
	}
	fmt.Fprintf(w, ", %s risk", t.Risk)
	if t.Reason != "" {
		fmt.Fprintf(w, ", abstained: %s", t.Reason)
	}
	if t.Why != "" {
		fmt.Fprintf(w, "\n    %s", t.Why)
	}
	fmt.Fprintln(w)
}

// fleetSummary prints the summary: in words to standard error, or as JSON.
func (a *app) fleetSummary(o *predictOptions, s fleetSummary) error {
	if o.json {
		out := a.stdout
		if o.out == "-" {
			out = a.stderr
		}
		return json.NewEncoder(out).Encode(s)
	}
	fmt.Fprintf(a.stderr, "%s: %d rows, the last of %s\n", o.out, s.Rows, s.Day)
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{s.Bad, "bad rows"}, {s.Nameless, "readings without a serial number"}, {s.Duplicates, "second readings of a drive and day"}, {s.Late, "readings older than the drive's last"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if parts != nil {
		fmt.Fprintln(a.stderr, "passed over:", strings.Join(parts, ", "))
	}
	for i := range s.First {
		s.First[i].print(a.stderr, i+1)
	}
	if s.Again > 0 {
		fmt.Fprintf(a.stderr, "%d readings were in the history already\n", s.Again)
	}
	return nil
}
