package smart

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Report is a reading with all that its source says besides: what `smartctl`
// prints of one drive, or one row of drive statistics.
type Report struct {
	Reading
	Attributes []Attribute // what Reading.Values holds
	Health

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

// fromAttributes fills what is missing in Health from attributes, and adds the
// named attributes that Health has.
func (r *Report) fromAttributes() {
	for i, dst := range r.numbers() {
		named := namedBit + Attribute(i)
		*dst = first(*dst, r.Value(named))
		for _, id := range sources[named] {
			*dst = first(*dst, r.Value(Raw(id)))
		}
		r.add(named, *dst)
	}
}

// MarshalJSON writes the report as one object with typed units; what is missing
// is left out. Attributes are in smart, by their names.
func (r Report) MarshalJSON() ([]byte, error) {
	num := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	out := struct {
		Kind        string             `json:"kind,omitempty"`
		Date        string             `json:"date,omitempty"`
		Time        string             `json:"time,omitempty"`
		Serial      string             `json:"serial_number,omitempty"`
		Model       string             `json:"model,omitempty"`
		Vendor      string             `json:"vendor,omitempty"`
		WWN         string             `json:"wwn,omitempty"`
		Firmware    string             `json:"firmware,omitempty"`
		Protocol    string             `json:"protocol,omitempty"`
		Medium      string             `json:"medium,omitempty"`
		Device      string             `json:"device,omitempty"`
		DeviceType  string             `json:"device_type,omitempty"`
		Capacity    *float64           `json:"capacity_bytes,omitempty"`
		Verdict     string             `json:"verdict,omitempty"`
		Failed      bool               `json:"failed,omitempty"`
		Temperature *float64           `json:"temperature_celsius,omitempty"`
		Hours       *float64           `json:"power_on_hours,omitempty"`
		Cycles      *float64           `json:"power_cycles,omitempty"`
		Unsafe      *float64           `json:"unsafe_shutdowns,omitempty"`
		Used        *float64           `json:"percent_used,omitempty"`
		Spare       *float64           `json:"spare_percent,omitempty"`
		Reallocated *float64           `json:"reallocated_sectors,omitempty"`
		Pending     *float64           `json:"pending_sectors,omitempty"`
		Uncorrected *float64           `json:"uncorrectable_errors,omitempty"`
		Interface   *float64           `json:"interface_errors,omitempty"`
		ErrorLog    *float64           `json:"error_log_entries,omitempty"`
		Read        *float64           `json:"bytes_read,omitempty"`
		Written     *float64           `json:"bytes_written,omitempty"`
		Exit        ExitStatus         `json:"exit_status,omitempty"`
		Tool        string             `json:"tool,omitempty"`
		Messages    []string           `json:"messages,omitempty"`
		Scan        []ScannedDevice    `json:"devices,omitempty"`
		Smart       map[string]float64 `json:"smart,omitempty"`
	}{
		r.Kind.String(), r.Day.String(), "", r.Serial, r.Model, VendorOf(r.Model).String(), r.WWN, r.Firmware, r.Protocol.String(), r.Medium.String(),
		r.Device, r.DeviceType, num(r.CapacityBytes), r.Verdict.String(), r.Failed, num(r.TemperatureCelsius), num(r.PowerOnHours),
		num(r.PowerCycles), num(r.UnsafeShutdowns), num(r.PercentUsed), num(r.SparePercent), num(r.ReallocatedSectors), num(r.PendingSectors),
		num(r.Uncorrectable), num(r.InterfaceErrors), num(r.ErrorLogEntries), num(r.BytesRead), num(r.BytesWritten), r.Exit, r.Tool, r.Messages,
		r.Scan, map[string]float64{},
	}
	if !r.Time.IsZero() {
		out.Time = r.Time.Format(time.RFC3339)
	}
	for i, v := range r.Values {
		if !math.IsNaN(v) && r.Attributes[i].ID() != 0 {
			out.Smart[r.Attributes[i].String()] = v
		}
	}
	return json.Marshal(out)
}
