package smart

import (
	"math"
	"slices"
	"strings"
)

// Report is a reading with all that its source says besides: what `smartctl`
// prints of one drive, or one row of drive statistics.
type Report struct {
	Reading
	Attributes []Attribute // what Reading.Values holds
	Health

	File string // where it was read, Line saying on which line it begins; "" when unknown

	names     []named // ATA attributes as smartctl calls them; nil when it does not
	family    string  // model family, by smartctl
	blockSize float64 // bytes of a logical block, 0 when unknown

	Kind       ReportKind
	Device     string // /dev/sda
	DeviceType string // what smartctl -d takes: sat, scsi, nvme, megaraid,3
	Tool       string // smartctl 7.4
	Exit       ExitStatus
	Messages   []string
	Scan       []ScannedDevice // for Kind ScanReport
}

// ReportKind says what a report is about.
type ReportKind uint8

// The kinds of report.
const (
	DriveReport ReportKind = iota // of a drive, sick or well
	ScanReport                    // a list of devices
	EmptyReport                   // no drive was reached: Messages say why
)

// String returns drive, scan or empty.
func (k ReportKind) String() string { return [...]string{"drive", "scan", "empty", ""}[k&3] }

// Verdict is what a drive thinks of itself.
type Verdict uint8

// The verdicts.
const (
	NoVerdict Verdict = iota
	Passed
	Failing
)

// String returns passed, failing or "".
func (v Verdict) String() string { return [...]string{"", "passed", "failing", ""}[v&3] }

// Health holds what drives of all protocols report, each in one unit. NaN is
// missing.
type Health struct {
	Verdict            Verdict
	TemperatureCelsius float64
	PowerOnHours       float64
	PowerCycles        float64
	UnsafeShutdowns    float64
	PercentUsed        float64 // of the endurance of a flash drive; above 100 when it is used up
	SparePercent       float64 // left of its spare blocks
	ReallocatedSectors float64 // ATA 5; SCSI grown defects
	PendingSectors     float64 // ATA 197
	Uncorrectable      float64 // errors that no retry mended: ATA 187 or 198, SCSI read, write and verify, NVMe media errors
	InterfaceErrors    float64 // ATA 199
	ErrorLogEntries    float64
	BytesRead          float64
	BytesWritten       float64
}

// noHealth has everything missing.
func noHealth() Health {
	n := math.NaN()
	return Health{TemperatureCelsius: n, PowerOnHours: n, PowerCycles: n, UnsafeShutdowns: n, PercentUsed: n, SparePercent: n, ReallocatedSectors: n,
		PendingSectors: n, Uncorrectable: n, InterfaceErrors: n, ErrorLogEntries: n, BytesRead: n, BytesWritten: n}
}

// ExitStatus is smartctl's exit status: a set of bits.
type ExitStatus uint8

// The bits of smartctl's exit status, from its manual. Those from DiskFailing on
// tell of the drive's health, not of a failure to read it.
const (
	CommandLine  ExitStatus = 1 << iota // the command line was not understood
	OpenFailed                          // the device could not be opened, or is asleep
	CommandError                        // some command to the drive failed, or a checksum was wrong
	DiskFailing                         // the drive says it is failing
	PrefailNow                          // a pre-fail attribute is at or below its threshold
	PrefailPast                         // some attribute was at or below its threshold in the past
	ErrorsLogged                        // the drive's error log has errors
	TestsFailed                         // the self-test log has errors
)

// Sick returns the bits that tell of the drive's health.
func (e ExitStatus) Sick() ExitStatus {
	return e & (DiskFailing | PrefailNow | PrefailPast | ErrorsLogged | TestsFailed)
}

// Bits names the bits that are set, in their order.
func (e ExitStatus) Bits() []string {
	names := [8]string{"command_line", "open_failed", "command_error", "disk_failing", "prefail_now", "prefail_past", "errors_logged", "tests_failed"}
	var out []string
	for i, n := range names {
		if e&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// ScannedDevice is a device that smartctl --scan found.
type ScannedDevice struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
}

// ReportOf makes a report of a reading whose values are of the given attributes.
func ReportOf(r Reading, attributes []Attribute) Report {
	out := Report{Reading: r, Attributes: slices.Clone(attributes), Health: noHealth()}
	out.Values = slices.Clone(r.Values)
	if out.Medium == UnknownMedium {
		out.Medium = mediumOf(out.Model)
	}
	out.flash()
	out.fromAttributes()
	if out.Protocol == UnknownProtocol && slices.ContainsFunc(attributes, func(a Attribute) bool { return a.ID() != 0 }) {
		out.Protocol = ATA
	}
	return out
}

// Value returns the value of an attribute, NaN when it is missing.
func (r *Report) Value(a Attribute) float64 {
	for i, b := range r.Attributes {
		if a == b {
			return r.Values[i]
		}
	}
	return math.NaN()
}

// numbers returns the fields of Health in the order of the named attributes.
func (h *Health) numbers() []*float64 {
	return []*float64{&h.TemperatureCelsius, &h.PowerOnHours, &h.PowerCycles, &h.UnsafeShutdowns, &h.PercentUsed, &h.SparePercent,
		&h.ReallocatedSectors, &h.PendingSectors, &h.Uncorrectable, &h.InterfaceErrors, &h.ErrorLogEntries, &h.BytesRead, &h.BytesWritten}
}

// sources are the ATA attributes that hold what a named attribute is, the first
// that a drive has.
var sources = map[Attribute][]uint8{TemperatureCelsius: {194, 190}, PowerOnHours: {9}, PowerCycles: {12}, ReallocatedSectors: {5},
	PendingSectors: {197}, UncorrectableErrors: {187, 198}, InterfaceErrors: {199}}

// fromRaw fills what is missing in Health from attributes.
func (r *Report) fromRaw() {
	for i, dst := range r.numbers() {
		named := namedBit + Attribute(i)
		*dst = first(*dst, r.Value(named))
		for _, id := range sources[named] {
			*dst = first(*dst, r.Value(Raw(id)))
		}
	}
}

// fromAttributes fills what is missing in Health from attributes, and adds the
// named attributes that Health has.
func (r *Report) fromAttributes() {
	r.fromRaw()
	for i, dst := range r.numbers() {
		r.add(namedBit+Attribute(i), *dst)
	}
}

// Asleep reports whether the drive was left asleep, as smartctl -n standby does.
func (r *Report) Asleep() bool {
	return slices.ContainsFunc(r.Messages, func(m string) bool {
		return strings.Contains(m, "STANDBY") || strings.Contains(m, "SLEEP mode")
	})
}

// WhyEmpty says why an EmptyReport has no drive, and the mend.
func (r *Report) WhyEmpty() string {
	text := strings.Join(r.Messages, "; ")
	if text == "" {
		text = "smartctl reached no drive"
	} else {
		text = "smartctl reached no drive: " + text
	}
	low := strings.ToLower(text)
	switch {
	case strings.Contains(low, "permission denied"), strings.Contains(low, "operation not permitted"), strings.Contains(low, "error=5"):
		return text + "; run smartctl as root or administrator"
	case strings.Contains(low, "unable to detect device type"), strings.Contains(low, "-d "):
		return text + "; name the type with smartctl -d, see smartctl --scan"
	case strings.Contains(low, "no such"):
		return text + "; check the device's name with smartctl --scan"
	}
	return text + "; check the command line of smartctl"
}
