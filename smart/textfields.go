package smart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// field takes over a line "key: value".
func (p *textReader) field(key, value, line string) {
	if p.identity(key, value) || p.verdict(key, value) {
		return
	}
	n := plainNumber(value)
	set := func(dst *float64, v float64) {
		if math.IsNaN(*dst) && v >= 0 {
			*dst = v
		}
	}
	switch key {
	case "critical warning":
		if w, err := strconv.ParseUint(strings.TrimPrefix(value, "0x"), 16, 8); err == nil && w != 0 && p.Verdict == NoVerdict {
			p.Verdict = Failing
		}
	case "pending defect count":
		set(&p.PendingSectors, n)
	case "temperature", "current drive temperature":
		if math.IsNaN(p.TemperatureCelsius) {
			p.TemperatureCelsius = temperature(n)
		}
	case "available spare":
		set(&p.SparePercent, n)
	case "percentage used", "percentage used endurance indicator":
		set(&p.PercentUsed, n)
	case "data units read":
		set(&p.BytesRead, n*512_000)
	case "data units written":
		set(&p.BytesWritten, n*512_000)
	case "power cycles", "accumulated start-stop cycles":
		set(&p.PowerCycles, n)
	case "power on hours":
		set(&p.PowerOnHours, n)
	case "unsafe shutdowns":
		set(&p.UnsafeShutdowns, n)
	case "media and data integrity errors":
		p.Protocol = NVMe
		set(&p.Uncorrectable, n)
	case "error information log entries", "ata error count":
		set(&p.ErrorLogEntries, n)
	case "elements in grown defect list":
		p.Protocol = SCSI
		set(&p.ReallocatedSectors, n)
	case "read", "write", "verify":
		p.counterLog(key, value)
	default:
		// "Accumulated power on time, hours:minutes 5675:39"
		if rest, ok := strings.CutPrefix(line, "Accumulated power on time, hours:minutes"); ok {
			set(&p.PowerOnHours, plainNumber(strings.TrimSpace(rest)))
		}
	}
}

// counterLog reads a row of a SCSI error counter log: seven numbers, of which the
// sixth is gigabytes and the last uncorrected errors.
func (p *textReader) counterLog(op, value string) {
	f := strings.Fields(value)
	if len(f) != 7 {
		return
	}
	p.Protocol = SCSI
	if n := plainNumber(f[6]); n >= 0 {
		p.Uncorrectable = first(p.Uncorrectable, 0) + n
	}
	gb, err := strconv.ParseFloat(f[5], 64)
	switch {
	case err != nil || !(gb >= 0):
	case op == "read":
		p.BytesRead = 1e9 * gb
	case op == "write":
		p.BytesWritten = 1e9 * gb
	}
}

// identity takes over what names the drive.
func (p *textReader) identity(key, value string) bool {
	switch key {
	case "model family":
		p.family = value
	case "sector size", "sector sizes":
		p.blockSize = plainNumber(value)
	case "device model", "model number":
		p.Model = strings.Join(strings.Fields(value), " ")
		if key == "model number" {
			p.Protocol = NVMe
		}
	case "vendor":
		p.vendor = value
	case "product":
		p.product, p.Protocol = value, SCSI
	case "serial number":
		p.Serial = plainSerial(value)
	case "lu wwn device id", "logical unit id", "namespace 1 ieee eui-64":
		p.WWN = plainWWN(value)
	case "firmware version", "revision":
		p.Firmware = value
	case "user capacity", "total nvm capacity", "namespace 1 size/capacity":
		if math.IsNaN(p.CapacityBytes) {
			p.CapacityBytes = credibleCapacity(plainNumber(strings.ReplaceAll(value, ".", ",")))
		}
	case "rotation rate":
		p.Medium = Disk
		if strings.HasPrefix(strings.ToLower(value), "solid") {
			p.Medium = Flash
		}
	case "local time is":
		p.localTime(value)
	default:
		return false
	}
	return true
}

// localTime reads "Sun Dec 16 17:09:15 2018 CST". The zone's name is not enough
// to know the offset, so that the time is taken as it stands.
func (p *textReader) localTime(value string) {
	f := strings.Fields(value)
	if len(f) < 5 {
		return
	}
	t, err := time.Parse("Jan 2 15:04:05 2006", fmt.Sprintf("%s %s %s %s", f[1], f[2], f[3], f[4]))
	if err == nil && t.Year() >= 1970 {
		p.Time, p.Day = t, DateOf(t)
	}
}

func (p *textReader) verdict(key, value string) bool {
	switch key {
	case "smart overall-health self-assessment test result", "smart health status":
		p.Verdict = Failing
		if v := strings.ToUpper(value); strings.HasPrefix(v, "PASSED") || strings.HasPrefix(v, "OK") {
			p.Verdict = Passed
		}
		return true
	}
	return false
}

// plainNumber reads the number that a text begins with: digits in groups of three
// with any separator between, as in 4,000,787,030,016 bytes [4.00 TB].
func plainNumber(s string) float64 {
	v, digits := 0.0, 0
	for _, c := range s {
		if c >= '0' && c <= '9' {
			v = v*10 + float64(c-'0')
			digits++
		} else if digits == 0 || !strings.ContainsRune(",'\u00a0\u202f\u2019", c) {
			break
		}
	}
	if digits == 0 || digits > 30 {
		return math.NaN()
	}
	return v
}
