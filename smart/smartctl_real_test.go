package smart_test

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/smart"
)

// realReports reads all reports there are, by their paths below the folder.
func realReports(t testing.TB) map[string]*smart.Report {
	t.Helper()
	dir := realData(t, "smartctl_json")
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*smart.Report{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := smart.ParseReport(text, path)
		if err != nil {
			t.Error(err)
			continue
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(name)] = r
	}
	return out
}

// TestRealReportCounts states what the 210 reports are and hold. Of the drives,
// some reports are of identity or verdict alone, which is why hours are fewer.
func TestRealReportCounts(t *testing.T) {
	got := map[string]int{}
	count := func(what string, yes bool) {
		if yes {
			got[what]++
		}
	}
	for _, r := range realReports(t) {
		got[r.Kind.String()]++
		if r.Kind != smart.DriveReport {
			count("says why", len(r.Messages) > 0)
			continue
		}
		got[r.Protocol.String()]++
		got["medium "+r.Medium.String()]++
		got["verdict "+r.Verdict.String()]++
		count("model", r.Model != "")
		count("identity", r.Identity().Known())
		count("capacity", r.CapacityBytes > 0)
		count("temperature", r.TemperatureCelsius > 0)
		count("hours", r.PowerOnHours > 0)
		count("sick by exit status", r.Exit.Sick() != 0)
	}
	want := map[string]int{"drive": 203, "scan": 4, "empty": 3, "says why": 3, "ATA": 131, "SCSI": 9, "NVMe": 63, "medium HDD": 91, "medium SSD": 111,
		"medium ": 1, "verdict passed": 192, "verdict failing": 2, "verdict ": 9, "model": 200, "capacity": 200, "temperature": 194, "hours": 195,
		"sick by exit status": 7, "identity": 48}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestRealReportValues compares drives of thirteen makers with values read from
// their reports by eye: model, serial number, world wide name, then numbers by the
// names that MarshalJSON writes.
func TestRealReportValues(t *testing.T) {
	reports := realReports(t)
	for name, want := range handRead {
		var found *smart.Report
		for path, r := range reports {
			if strings.Contains(path, name) {
				found = r
			}
		}
		if found == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		text, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		attributes, _ := got["smart"].(map[string]any)
		for field, w := range want {
			g, ok := got[field]
			if strings.HasPrefix(field, "smart_") {
				g, ok = attributes[field]
			}
			if w == nil && !ok {
				continue
			}
			if n, isNum := w.(int); isNum {
				w = float64(n)
			}
			if f, isNum := w.(float64); isNum && ok && math.Abs(g.(float64)-f) <= 1e-9*math.Abs(f) {
				continue
			}
			if g != w {
				t.Errorf("%s: %s is %v, want %v", name, field, g, w)
			}
		}
	}
}

type fields = map[string]any

var handRead = map[string]fields{
	// Seagate: 1 and 7 hold operations, 188 three counts, 9 and 240 a fraction above 32 bits.
	"ST16000NM001G-2KK103": {"model": "ST16000NM001G-2KK103", "vendor": "Seagate", "capacity_bytes": 16000900661248, "temperature_celsius": 26,
		"power_on_hours": 13114, "power_cycles": 15, "smart_188_raw": 12, "smart_1_raw": 0, "smart_7_raw": 0, "smart_240_raw": 12523, "medium": "HDD"},
	"ST3500418AS_11": {"serial_number": nil, "wwn": nil, "power_on_hours": 44670, "smart_5_raw": 1, "smart_188_raw": 1, "smart_190_raw": 32, "smart_240_raw": 122817},
	"joeywli+smartctl-rs/hdd.json": {"serial_number": "ABCDEFGH", "wwn": nil, "power_on_hours": 19073, "power_cycles": 5531, "smart_188_raw": 1,
		"temperature_celsius": 26, "smart_240_raw": 11589},
	"ST2000NM0008-2F3100":               {"power_on_hours": 37054, "smart_9_raw": 37054, "smart_188_raw": 2, "smart_195_raw": 0, "temperature_celsius": 19},
	"ST32000644NS":                      {"smart_7_raw": 12, "power_on_hours": 45080, "temperature_celsius": 27},
	"SEAGATE_ST373453LC_26":             {"protocol": "SCSI", "power_on_hours": 102880, "reallocated_sectors": 260, "uncorrectable_errors": 536, "temperature_celsius": 33},
	"AnalogJ+scrutiny/smart-scsi2":      {"model": "SEAGATE ST1200MM0088", "serial_number": "Z4028VRY0000C810BZXB", "bytes_read": 386568000000, "tool": "smartctl 6.7"},
	"Starosdev+scrutiny/smart-ata-farm": {"serial_number": "K3S00FJF", "wwn": "5000c500ea74f1af", "power_on_hours": 2344, "power_cycles": 19, "medium": "HDD"},
	// Western Digital
	"AnalogJ+scrutiny/smart-ata.json": {"smart_3_raw": 380, "smart_22_raw": 100, "model": "WDC WD140EDFZ-11A0VA0", "serial_number": "9RK1XXXX", "wwn": "5000cca264eb01d7", "power_on_hours": 1730, "power_cycles": 9},
	"smartctl-output-wd-red":          {"serial_number": "VBGHW31F", "wwn": "5000cca095c7374a", "temperature_celsius": 37, "power_on_hours": 7598, "verdict": "passed"},
	"smart-scsi-sas-env-temp":         {"model": "WDC WUH721818AL5204", "temperature_celsius": 38, "power_on_hours": 12345, "reallocated_sectors": 0},
	// HGST and Hitachi: a sick drive is read like any other
	"HGST_HUS724020ALE640_28":    {"vendor": "HGST", "exit_status": 64, "power_on_hours": 83425, "interface_errors": 12, "error_log_entries": 12},
	"smart-fail2":                {"exit_status": 216, "verdict": "failing", "serial_number": "MSK423Y20S3HBC", "reallocated_sectors": 1975, "pending_sectors": 8, "power_on_hours": 65592, "error_log_entries": 56},
	"HITACHI_H109060SESUN600G_9": {"medium": "HDD", "power_cycles": 45, "reallocated_sectors": 0, "protocol": "SCSI", "wwn": nil, "power_on_hours": 982, "temperature_celsius": 27, "bytes_written": 292086584000000},
	// Toshiba, Samsung
	"TOSHIBA_HDWE160":                    {"vendor": "Toshiba", "capacity_bytes": 6001175126016, "power_on_hours": 47234, "temperature_celsius": 25},
	"TOSHIBA_MG05ACA800E":                {"exit_status": 64, "power_on_hours": 37603, "error_log_entries": 2, "capacity_bytes": 8001563222016},
	"SAMSUNG_MZ7WD240HAFV-00003_21":      {"medium": "SSD", "power_on_hours": 84619, "power_cycles": 6, "uncorrectable_errors": 0},
	"AnalogJ+scrutiny/smart-ata-full":    {"percent_used": 19, "bytes_written": 64777770148 * 512, "unsafe_shutdowns": 4, "medium": "SSD", "serial_number": "S3YZNB0KB00864E", "wwn": "5002538e40a22954", "power_on_hours": 14551, "temperature_celsius": 36},
	"AnalogJ+scrutiny/smart-nvme-failed": {"protocol": "NVMe", "percent_used": 3, "spare_percent": 99, "uncorrectable_errors": 7, "bytes_written": 33588269056000.0, "unsafe_shutdowns": 10, "error_log_entries": 62},
	// Intel, Dell, Crucial, Micron, Corsair, Kingston, Transcend, HP
	"INTEL_SSDPE2KX080T8_1":     {"vendor": "Intel", "capacity_bytes": 8001563222016, "temperature_celsius": 29, "power_on_hours": 12164, "medium": "SSD"},
	"SSDSCKJB240G7R":            {"percent_used": nil, "unsafe_shutdowns": 167, "medium": "SSD", "smart_1_raw": nil, "smart_194_raw": 47, "temperature_celsius": 47, "power_on_hours": 21213, "power_cycles": 186},
	"smartctl-output-ct240bx":   {"percent_used": 3, "spare_percent": 100, "bytes_written": 329495 * 32 << 20, "bytes_read": 90042 * 32 << 20, "serial_number": "1603F015E628", "wwn": "500a0751f015e628", "temperature_celsius": 26, "power_on_hours": 3949, "exit_status": 4},
	"smart-ata-issue587":        {"percent_used": 2, "unsafe_shutdowns": 1, "reallocated_sectors": 0, "model": "MTFDDAK128MAM-1J1", "wwn": "500a075109116906", "temperature_celsius": nil, "power_on_hours": 4179, "power_cycles": 1931},
	"MTFDHBE1T6TDG":             {"vendor": "Micron", "capacity_bytes": 1600321314816, "power_on_hours": 5100, "temperature_celsius": 22, "error_log_entries": 1},
	"smart-nvme2":               {"model": "Force MP510", "percent_used": 1, "spare_percent": 100, "power_on_hours": 6487, "error_log_entries": 8382},
	"KINGSTON_SKC400S371T":      {"percent_used": 26, "bytes_written": 391741 << 30, "bytes_read": 1837742 << 30, "vendor": "Kingston", "reallocated_sectors": 1, "power_on_hours": 54450, "temperature_celsius": 31},
	"TS32GMTS400":               {"vendor": "Transcend", "percent_used": 4, "capacity_bytes": 32017047552, "power_on_hours": 796, "temperature_celsius": 26, "medium": "SSD"},
	"HP_73.4G_MAS3735NC_25":     {"protocol": "SCSI", "power_on_hours": nil, "temperature_celsius": 28, "reallocated_sectors": 0, "bytes_read": 64396534000000},
	"INTEL_SSDSC2BB016T4":       {"percent_used": 85, "spare_percent": 100, "bytes_written": 62594010 * 32 << 20, "unsafe_shutdowns": 29, "temperature_celsius": 23},
	"INTEL_SSDSC2BB016T7":       {"percent_used": 3, "smart_190_raw": 26, "temperature_celsius": 26},
	"KINGSTON_SA400M8120G":      {"percent_used": 2, "bytes_written": 398 << 30, "unsafe_shutdowns": 3},
	"Micron_5300_MTFDDAK1T9TDS": {"vendor": "Micron", "percent_used": 0, "bytes_written": 130006927240 * 512, "unsafe_shutdowns": 16, "temperature_celsius": 24},
	// A box speaks SCSI for the disk in it and claims flash; its SAT layer knows the disk.
	"hitachi_autodetect": {"protocol": "SCSI", "medium": "HDD", "power_on_hours": nil},
	"hitachi_sat":        {"protocol": "ATA", "medium": "HDD", "serial_number": "MK0000000000000"},
	// RAID volumes have no SMART; they are drives all the same.
	"smart-raid.json": {"kind": "drive", "serial_number": "Volume1", "verdict": nil, "temperature_celsius": nil, "power_on_hours": nil},
	"smart-megaraid0": {"device_type": "sat+megaraid,0", "wwn": "50014ee26101eee7", "power_on_hours": 37787, "reallocated_sectors": 0},
	"smart-megaraid1": {"device_type": "sat+megaraid,1", "serial_number": nil, "power_on_hours": 37788, "temperature_celsius": 36, "exit_status": 4},
}
