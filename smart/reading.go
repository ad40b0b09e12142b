// Package smart reads what drives say of themselves, and makes one Reading of it
// that means the same for every vendor, protocol and source.
//
// A Reading is one drive at one moment. What the source does not say is missing
// (NaN or the empty text), never zero. Vendor-packed raw values are unpacked:
// see Decode. A Source reads Backblaze Drive Stats files of every generation in
// the order of their days, one Day at a time.
package smart

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reading is one drive at one moment.
type Reading struct {
	Serial   string // "" when the source hides it
	Model    string
	WWN      string // world wide name in hexadecimal, or the NVMe EUI-64; "" when unknown
	Firmware string
	Protocol Protocol
	Medium   Medium
	Day      Date
	Time     time.Time // zero when only the day is known

	CapacityBytes float64   // NaN when missing or not credible
	Line          int32     // where it stands in its file, 1-based; 0 when unknown
	Failed        bool      // the source marks this as the drive's last day before it was replaced as failed
	Values        []float64 // one for each attribute of the source, decoded; NaN is missing
}

// Attribute names one number of a Reading: the raw or the normalized value of an
// ATA SMART attribute, whose text is Backblaze's column name, or one of the numbers
// below, which drives of other protocols give.
type Attribute uint16

const (
	normalizedBit = 1 << 8
	namedBit      = 1 << 9
)

// The attributes that are of no ATA number. Their texts are those of Report's JSON.
const (
	TemperatureCelsius Attribute = namedBit + iota
	PowerOnHours
	PowerCycles
	UnsafeShutdowns
	PercentUsed
	SparePercent
	ReallocatedSectors
	PendingSectors
	UncorrectableErrors
	InterfaceErrors
	ErrorLogEntries
	BytesRead
	BytesWritten
)

var attributeNames = [...]string{"temperature_celsius", "power_on_hours", "power_cycles", "unsafe_shutdowns", "percent_used", "spare_percent",
	"reallocated_sectors", "pending_sectors", "uncorrectable_errors", "interface_errors", "error_log_entries", "bytes_read", "bytes_written"}

// Raw is the raw value of the ATA attribute id.
func Raw(id uint8) Attribute { return Attribute(id) }

// Normalized is the normalized value of the ATA attribute id.
func Normalized(id uint8) Attribute { return Attribute(id) | normalizedBit }

// ID returns the ATA attribute's number, 0 when a is none.
func (a Attribute) ID() uint8 {
	if a&namedBit != 0 {
		return 0
	}
	return uint8(a)
}

// IsRaw reports whether a is a raw value of an ATA attribute.
func (a Attribute) IsRaw() bool { return a&(normalizedBit|namedBit) == 0 }

// IsNormalized reports whether a is a normalized value of an ATA attribute.
func (a Attribute) IsNormalized() bool { return a&normalizedBit != 0 }

// String returns smart_5_raw, smart_5_normalized, or the name of another number.
func (a Attribute) String() string {
	if a&namedBit != 0 {
		return attributeNames[a&^namedBit]
	}
	if a.IsRaw() {
		return "smart_" + strconv.Itoa(int(a.ID())) + "_raw"
	}
	return "smart_" + strconv.Itoa(int(a.ID())) + "_normalized"
}

// ParseAttribute reads what String writes. It reports false for other texts.
func ParseAttribute(s string) (Attribute, bool) {
	rest, ok := strings.CutPrefix(strings.ToLower(s), "smart_")
	if !ok {
		i := slices.Index(attributeNames[:], rest)
		return namedBit + Attribute(i), i >= 0
	}
	num, kind, _ := strings.Cut(rest, "_")
	id, err := strconv.ParseUint(num, 10, 8)
	if err != nil || id == 0 || num[0] == '+' || num[0] == '0' {
		return 0, false
	}
	switch kind {
	case "raw":
		return Raw(uint8(id)), true
	case "normalized":
		return Normalized(uint8(id)), true
	}
	return 0, false
}

// DefaultAttributes are the raw values that say something about failure, wear or
// surroundings on most drives: read errors, reallocated sectors, seek errors,
// hours, spin retries, power cycles, end-to-end errors, reported uncorrectable,
// command time-outs, load cycles, temperature, reallocation events, pending and
// uncorrectable sectors, CRC errors, sectors written.
var DefaultAttributes = []Attribute{Raw(1), Raw(5), Raw(7), Raw(9), Raw(10), Raw(12), Raw(184), Raw(187), Raw(188),
	Raw(193), Raw(194), Raw(196), Raw(197), Raw(198), Raw(199), Raw(241)}

// AllAttributes returns every attribute there can be, for Options.Attributes: a
// Source keeps those that its files have.
func AllAttributes() []Attribute {
	var out []Attribute
	for id := 1; id < 256; id++ {
		out = append(out, Normalized(uint8(id)), Raw(uint8(id)))
	}
	for i := range attributeNames {
		out = append(out, namedBit+Attribute(i))
	}
	return out
}

// Protocol is the command set a drive speaks.
type Protocol uint8

// The protocols.
const (
	UnknownProtocol Protocol = iota
	ATA
	SCSI
	NVMe
)

// String returns ATA, SCSI, NVMe or "".
func (p Protocol) String() string { return [...]string{"", "ATA", "SCSI", "NVMe"}[p&3] }

// Medium is what a drive stores on: rules for one kind do not hold for the other.
type Medium uint8

// The media.
const (
	UnknownMedium Medium = iota
	Disk                 // rotating
	Flash
)

// String returns HDD, SSD or "".
func (m Medium) String() string { return [...]string{"", "HDD", "SSD", ""}[m&3] }

// Missing is what stands for a number that the source does not give.
func Missing() float64 { return math.NaN() }
