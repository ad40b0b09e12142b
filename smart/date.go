package smart

import (
	"bytes"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Date is a calendar day: days since 1970-01-01. NoDate means none.
type Date int32

// NoDate is no day at all. It is before every other.
const NoDate Date = -1 << 31

// DateOf returns the day of t in t's location.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return civil(y, int(m), d)
}

func civil(y, m, d int) Date {
	return Date(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Time returns midnight UTC of the day.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String returns YYYY-MM-DD, or "" for NoDate.
func (d Date) String() string {
	if d == NoDate {
		return ""
	}
	return d.Time().Format(time.DateOnly)
}

// ParseDate reads a day as drive data has it: 2013-04-10, also with a time
// behind it, 4/10/2013 (month first), 10.04.2013 and 10-04-2013 (day first).
func ParseDate(s string) (Date, error) {
	if d, ok := parseDate([]byte(s)); ok {
		return d, nil
	}
	return NoDate, &errs.Input{Problem: "\"" + s + "\" is not a date", Mend: "write it as YYYY-MM-DD"}
}

func parseDate(b []byte) (Date, bool) {
	b = bytes.TrimSpace(b)
	if n := bytes.IndexAny(b, " T"); n >= 0 {
		if !plausibleTime(b[n+1:]) {
			return NoDate, false
		}
		b = b[:n]
	}
	var num, width [3]int
	var sep byte
	part := 0
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9' && width[part] < 4:
			num[part] = num[part]*10 + int(c-'0')
			width[part]++
		case part < 2 && (c == '-' || c == '/' || c == '.') && (part == 0 || c == sep):
			sep = c
			part++
		default:
			return NoDate, false
		}
	}
	y, m, d := num[0], num[1], num[2]
	switch {
	case width[0] == 4 && width[1] <= 2 && width[2] <= 2:
	case width[0] > 2 || width[1] > 2 || width[2] != 4:
		return NoDate, false
	case sep == '/':
		y, m, d = num[2], num[0], num[1]
	default:
		y, m, d = num[2], num[1], num[0]
	}
	if y < 1970 || y > 9999 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return NoDate, false
	}
	return civil(y, m, d), true
}

// plausibleTime accepts what stands behind a date: digits and the signs of times
// and zones.
func plausibleTime(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && bytes.IndexByte([]byte(":.+-Z "), c) < 0 {
			return false
		}
	}
	return true
}

func daysIn(y, m int) int {
	return time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
