package smart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// ParseReport reads what smartctl printed of one device: JSON (-j) of any
// version from 6.7 on and any protocol, or plain text (-a, -x). The name stands
// for the text in errors.
//
// A drive whose exit status has health bits is read like any other. A scan, and
// a report in which no drive was reached, are reports of their kinds. Errors are
// of kind Invalid: the text is no JSON, or none of smartctl's.
func ParseReport(text []byte, name string) (*Report, error) {
	all, err := ParseReports(text, name)
	if err != nil {
		return nil, err
	}
	if len(all) > 1 {
		return nil, &errs.Input{File: name, Problem: "there is more than one report", Mend: "hand over one at a time"}
	}
	return all[0], nil
}

// ParseReports reads one report or several: JSON objects one behind the other or
// in an array, texts one behind the other, in UTF-8 or UTF-16. Errors are as those
// of ParseReport and are that of the first report that cannot be read; the reports
// before it are returned with it. There is at least one report otherwise.
func ParseReports(text []byte, name string) ([]*Report, error) {
	var out []*Report
	err := readDocuments(bytes.NewReader(text), name, func(r *Report) error {
		out = append(out, r)
		return nil
	}, func(err error) error { return err })
	return out, err
}

// parseObject reads one JSON object that begins on the given line.
func parseObject(text []byte, name string, line int) (*Report, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var o object
	if err := dec.Decode(&o); err != nil {
		return nil, broken(err, dec.InputOffset(), text, name, line)
	}
	return reportOfObject(o, name)
}

func broken(err error, at int64, text []byte, name string, line int) error {
	var syntax *json.SyntaxError
	problem := err.Error()
	switch {
	case errors.As(err, &syntax):
		at = max(0, syntax.Offset-1)
	case errors.Is(err, io.ErrUnexpectedEOF):
		at, problem = int64(len(bytes.TrimRight(text, " \t\r\n"))), "it ends before its last bracket"
	}
	line += bytes.Count(text[:min(int(at), len(text))], []byte{'\n'})
	return &errs.Input{File: name, Row: line, Problem: "the JSON is broken: " + problem, Mend: mendReport + ", whole"}
}

func reportOfObject(o object, name string) (*Report, error) {
	if o.at("smartctl") == nil {
		return nil, &errs.Input{File: name, Problem: "this is JSON, but not smartctl's: it has no member smartctl",
			Mend: mendReport}
	}
	r := &Report{Health: noHealth(), Tool: "smartctl"}
	r.CapacityBytes, r.Day = math.NaN(), NoDate
	if v, ok := o.at("smartctl", "version").([]any); ok {
		for i, n := range v {
			r.Tool += map[bool]string{true: " ", false: "."}[i == 0] + fmt.Sprint(n)
		}
	}
	if e := o.number("smartctl", "exit_status"); e >= 0 && e < 256 {
		r.Exit = ExitStatus(e)
	}
	for _, m := range o.list("smartctl", "messages") {
		if s := m.text("string"); s != "" {
			r.Messages = append(r.Messages, s)
		}
	}
	if t := o.number("local_time", "time_t"); t > 0 && t < 1e11 {
		r.Time = time.Unix(int64(t), 0).UTC()
		r.Day = DateOf(r.Time)
	}
	for _, d := range o.list("devices") {
		r.Scan = append(r.Scan, ScannedDevice{d.text("name"), d.text("type"), d.text("protocol")})
	}
	switch {
	case o.at("device") == nil && o.at("devices") != nil:
		r.Kind = ScanReport
	case o.at("device") == nil && o.at("serial_number") == nil && o.at("model_name") == nil:
		r.Kind = EmptyReport
	default:
		r.fill(o)
		if r.Exit&(CommandLine|OpenFailed) != 0 && r.Model == "" && !r.Identity().Known() && len(r.Values) == 0 {
			r.Kind = EmptyReport
		}
	}
	return r, nil
}

// fill takes over what a drive's report says.
func (r *Report) fill(o object) {
	r.Device, r.DeviceType = o.text("device", "name"), o.text("device", "type")
	switch strings.ToUpper(o.text("device", "protocol")) {
	case "ATA":
		r.Protocol = ATA
	case "SCSI":
		r.Protocol = SCSI
	case "NVME":
		r.Protocol = NVMe
	}
	r.identify(o)
	r.family, r.blockSize = o.text("model_family"), o.some("logical_block_size")
	if p, ok := o.at("smart_status", "passed").(bool); ok {
		r.Verdict = map[bool]Verdict{true: Passed, false: Failing}[p]
	}
	if r.Exit&DiskFailing != 0 {
		r.Verdict = Failing
	}
	r.TemperatureCelsius = temperature(o.number("temperature", "current"))
	r.PowerOnHours = first(o.count("power_on_time", "hours"), o.count("power_on_time", "minutes")/60)
	r.PowerCycles = o.count("power_cycle_count")
	r.SparePercent = o.count("spare_available", "current_percent")
	r.PercentUsed = o.count("endurance_used", "current_percent")
	r.ata(o)
	r.scsi(o)
	r.nvme(o)
	r.farm(o)
	r.medium(o)
	r.flash()
	r.fromRaw()
	r.statistics(o)
	r.fromAttributes()
}

func (r *Report) identify(o object) {
	r.Serial = plainSerial(o.text("serial_number"))
	r.Model = o.text("model_name")
	if r.Model == "" {
		r.Model = o.text("scsi_model_name")
	}
	if r.Model == "" {
		r.Model = strings.TrimSpace(o.text("vendor") + " " + o.text("product"))
	}
	r.Model = strings.Join(strings.Fields(r.Model), " ")
	r.Firmware = o.text("firmware_version")
	if r.Firmware == "" {
		r.Firmware = o.text("scsi_revision") + o.text("revision")
	}
	if plainSerial(r.Firmware) == "" {
		r.Firmware = ""
	}
	if w := o.sub("wwn"); w != nil {
		if naa, oui, id := w.count("naa"), w.count("oui"), w.count("id"); naa < 16 && oui < 1<<24 && id > 0 && id < 1<<36 {
			r.WWN = plainWWN(fmt.Sprintf("%x%06x%09x", uint64(naa), uint64(oui), uint64(id)))
		}
	} else if id := o.text("logical_unit_id"); id != "" {
		r.WWN = plainWWN(id)
	}
	r.CapacityBytes = credibleCapacity(first(o.some("user_capacity", "bytes"), o.some("nvme_total_capacity")))
	for _, ns := range o.list("nvme_namespaces") {
		if math.IsNaN(r.CapacityBytes) {
			r.CapacityBytes = credibleCapacity(first(ns.some("size", "bytes"), ns.some("capacity", "bytes")))
		}
		if e := ns.sub("eui64"); r.WWN == "" && e.count("ext_id") > 0 && e.count("ext_id") < 1<<40 && e.count("oui") < 1<<24 {
			r.WWN = plainWWN(fmt.Sprintf("%06x%010x", uint64(e.count("oui")), uint64(e.count("ext_id"))))
		}
	}
}

// medium tells disks from flash.
func (r *Report) medium(o object) {
	rpm := o.number("rotation_rate")
	switch {
	case r.Protocol == NVMe || rpm == 0 && r.Protocol == ATA:
		r.Medium = Flash
	case rpm == 0 && mediumOf(r.Model) != Disk: // boxes that speak SCSI for the disks in them know no better
		r.Medium = Flash
	case rpm > 0:
		r.Medium = Disk
	case r.PercentUsed >= 0:
		r.Medium = Flash
	case r.Medium != UnknownMedium: // by another log
	case mediumOf(r.Model) != UnknownMedium:
		r.Medium = mediumOf(r.Model)
	case r.Value(Raw(3)) > 0 || r.Value(Raw(10)) >= 0: // spin-up time, spin retries
		r.Medium = Disk
	}
}
