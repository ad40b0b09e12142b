package smart

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

const ataText = `smartctl 7.2 2020-12-30 r5155 [x86_64-linux-5.10.0-21-amd64] (local build)
Copyright (C) 2002-20, Bruce Allen, Christian Franke, www.smartmontools.org

=== START OF INFORMATION SECTION ===
Device Model:     ST4000VN008-2DR166
Serial Number:    ZDH123AB
LU WWN Device Id: 5 000c50 0a1b2c3d4
Firmware Version: SC60
User Capacity:    4,000,787,030,016 bytes [4.00 TB]
Rotation Rate:    5980 rpm
Local Time is:    Sun Dec 16 17:09:15 2018 CST

=== START OF READ SMART DATA SECTION ===
SMART overall-health self-assessment test result: PASSED

ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE
  1 Raw_Read_Error_Rate     0x000f   083   064   044    Pre-fail  Always       -       213458784
  5 Reallocated_Sector_Ct   0x0033   100   100   010    Pre-fail  Always   In_the_past 16
  9 Power_On_Hours          0x0032   074   074   000    Old_age   Always       -       23112 (51 45 0)
188 Command_Timeout         0x0032   100   099   000    Old_age   Always       -       1 2 4
190 Airflow_Temperature_Cel 0x0022   064   051   040    Old_age   Always       -       36 (Min/Max 24/41)
194 Temperature_Celsius     0x0022   036   049   000    Old_age   Always       -       36 (0 16 0 0 0)
240 Head_Flying_Hours       0x0000   100   253   000    Old_age   Offline      -       16671h+22m+05.274s

SMART Error Log Version: 1
ATA Error Count: 3
`

const briefText = `smartctl 7.3 2022-02-28 r5338 [FreeBSD 13.1-RELEASE amd64] (local build)

Device Model:     WDC WD40EFRX-68N32N0
Rotation Rate:    Solid State Device
SMART overall-health self-assessment test result: FAILED!

ID# ATTRIBUTE_NAME          FLAGS    VALUE WORST THRESH FAIL RAW_VALUE
0x05 Reallocated_Sector_Ct   PO--CK   200   200   140    -    7
  9 Power_On_Minutes        -O--CK   100   100   000    -    1234h+30m
197 Current_Pending_Sector  -O--CK   200   200   000    -    2
                            ||||||_ K auto-keep
`

const scsiText = `smartctl 6.6 2017-11-05 r4594 [x86_64-linux-4.19.0] (local build)

Vendor:               SEAGATE
Product:              ST1200MM0088
Revision:             N004
User Capacity:        1.200.243.695.616 bytes [1,20 TB]
Logical Unit id:      0x5000c500a1b2c3d4
Serial number:        Z40XXX12
SMART Health Status: OK
Current Drive Temperature:     31 C
Accumulated power on time, hours:minutes 5675:39
Elements in grown defect list: 12
read:   1410362924        0         0  1410362924          0        386.568           3
write:         0        0         0         0          0        806.827           1
`

const nvmeText = `smartctl 7.4 2023-08-01 r5530 [Darwin 23.1.0 arm64] (local build)

Model Number:                       Samsung SSD 970 EVO 500GB
Serial Number:                      S466NX0M776250H
Namespace 1 Size/Capacity:          500'107'862'016 [500 GB]
Namespace 1 IEEE EUI-64:            002538 5b81b5d2f8
SMART overall-health self-assessment test result: PASSED
Temperature:                        35 Celsius
Available Spare:                    99%
Percentage Used:                    3%
Data Units Written:                 65,602,088 [33.5 TB]
Power On Hours:                     12,798
Media and Data Integrity Errors:    7
`

func TestTextReports(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"ata": {ataText, `{"kind":"drive","date":"2018-12-16","time":"2018-12-16T17:09:15Z","serial_number":"ZDH123AB","model":"ST4000VN008-2DR166",` +
			`"vendor":"Seagate","wwn":"5000c500a1b2c3d4","firmware":"SC60","protocol":"ATA","medium":"HDD","capacity_bytes":4000787030016,` +
			`"verdict":"passed","temperature_celsius":36,"power_on_hours":23112,"reallocated_sectors":16,"error_log_entries":3,"tool":"smartctl 7.2",` +
			`"smart":{"smart_188_normalized":100,"smart_188_raw":4,"smart_190_normalized":64,"smart_190_raw":36,"smart_194_normalized":36,` +
			`"smart_194_raw":36,"smart_1_normalized":83,"smart_1_raw":0,"smart_240_normalized":100,"smart_240_raw":16671,"smart_5_normalized":100,` +
			`"smart_5_raw":16,"smart_9_normalized":74,"smart_9_raw":23112}}`},
		"brief": {briefText, `{"kind":"drive","model":"WDC WD40EFRX-68N32N0","vendor":"Western Digital","protocol":"ATA","medium":"SSD","verdict":"failing",` +
			`"power_on_hours":1234,"reallocated_sectors":7,"pending_sectors":2,"tool":"smartctl 7.3","smart":{"smart_197_normalized":200,` +
			`"smart_197_raw":2,"smart_5_normalized":200,"smart_5_raw":7,"smart_9_normalized":100,"smart_9_raw":1234}}`},
		"scsi": {scsiText, `{"kind":"drive","serial_number":"Z40XXX12","model":"SEAGATE ST1200MM0088","vendor":"Seagate","wwn":"5000c500a1b2c3d4",` +
			`"firmware":"N004","protocol":"SCSI","medium":"HDD","capacity_bytes":1200243695616,"verdict":"passed","temperature_celsius":31,"power_on_hours":5675,` +
			`"reallocated_sectors":12,"uncorrectable_errors":4,"bytes_read":386568000000,"bytes_written":806827000000,"tool":"smartctl 6.6"}`},
		"nvme": {nvmeText, `{"kind":"drive","serial_number":"S466NX0M776250H","model":"Samsung SSD 970 EVO 500GB","vendor":"Samsung","wwn":"0025385b81b5d2f8",` +
			`"protocol":"NVMe","medium":"SSD","capacity_bytes":500107862016,"verdict":"passed","temperature_celsius":35,"power_on_hours":12798,` +
			`"percent_used":3,"spare_percent":99,"uncorrectable_errors":7,"bytes_written":33588269056000,"tool":"smartctl 7.4"}`},
		"refused": {"smartctl 7.1 2019-12-30 r5022\n\nSmartctl open device: /dev/sda failed: Permission denied\n",
			`{"kind":"empty","tool":"smartctl 7.1","messages":["Smartctl open device: /dev/sda failed: Permission denied"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseReport([]byte(test.text), "x")
			if err != nil {
				t.Fatal(err)
			}
			r.File, r.Line = "", 0
			got, err := json.Marshal(r)
			if err != nil || string(got) != test.want {
				t.Errorf("got  %s\nwant %s\n%v", got, test.want, err)
			}
		})
	}
}

func TestReportsThatAreNone(t *testing.T) {
	for in, want := range map[string]string{"": "empty", "\n\n": "holds no report", "{": "broken", "{\n\n\"a\": trux\n}": "line 3", "{}": "not smartctl's", "[]": "holds no report",
		"hello": "neither JSON", `{"smartctl":{}} {`: "broken", `{"smartctl":{}}{"smartctl":{}}`: "more than one", "\x00\x01": "neither JSON"} {
		_, err := ParseReport([]byte(in), "some.json")
		var bad *errs.Input
		if !errors.As(err, &bad) || bad.File != "some.json" || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", in, err, want)
		}
	}
}

// TestReportWithOddTypes gives fields that have the wrong type: they are missing,
// and the drive is read.
func TestReportWithOddTypes(t *testing.T) {
	r, err := ParseReport([]byte(`{"smartctl":{"exit_status":200,"version":7,"messages":"x"},"device":"sda","serial_number":"A","model_name":7,
		"user_capacity":"4 TB","temperature":38,"power_on_time":{"hours":"12"},"ata_smart_attributes":{"table":[{"id":5,"raw":{"value":-3}},
		{"id":"187","raw":{"value":"4"}},7,{"id":300}]},"smart_status":{"passed":"yes"},"nvme_smart_health_information_log":[]}`), "x")
	if err != nil {
		t.Fatal(err)
	}
	if r.Serial != "A" || r.Model != "" || r.PowerOnHours != 12 || !math.IsNaN(r.CapacityBytes) || !math.IsNaN(r.Value(Raw(5))) || r.Value(Raw(187)) != 4 {
		t.Errorf("got %+v", r)
	}
	if r.Exit.Sick() != 200 || r.Verdict != Failing {
		t.Errorf("exit status %d: sick %d, %v", r.Exit, r.Exit.Sick(), r.Verdict)
	}
}

// TestSASCounters sums the links of a SAS drive, and keeps what of flash it has.
func TestSASCounters(t *testing.T) {
	r, err := ParseReport([]byte(`{"smartctl":{"version":[7,5]},"device":{"name":"/dev/sda","type":"scsi","protocol":"SCSI"},"scsi_vendor":"SEAGATE",
		"scsi_product":"XS800LE70084","scsi_model_name":"SEAGATE XS800LE70084","logical_unit_id":"0x5000c500a1b2c3d4","rotation_rate":0,
		"scsi_grown_defect_list":4,"scsi_pending_defects":{"count":2},"scsi_percentage_used_endurance_indicator":7,
		"scsi_sas_port_0":{"phy_0":{"invalid_dword_count":3}},"scsi_sas_port_1":{"phy_1":{"invalid_dword_count":2}},
		"scsi_error_counter_log":{"read":{"gigabytes_processed":"10.5","total_uncorrected_errors":1},"verify":{"total_uncorrected_errors":2}}}`), "x")
	if err != nil {
		t.Fatal(err)
	}
	if r.ReallocatedSectors != 4 || r.PendingSectors != 2 || r.PercentUsed != 7 || r.InterfaceErrors != 5 || r.Uncorrectable != 3 || r.BytesRead != 10.5e9 ||
		r.Medium != Flash || r.WWN != "5000c500a1b2c3d4" || r.Model != "SEAGATE XS800LE70084" || !math.IsNaN(r.BytesWritten) {
		t.Errorf("got %+v %+v", r.Reading, r.Health)
	}
}

func TestIdentity(t *testing.T) {
	a := Identity{"5000c500a1b2c3d4", "ZDH1", "WDC WD40EFRX"}
	for _, test := range []struct {
		b    Identity
		same bool
	}{
		{Identity{"5000c500a1b2c3d4", "ZDH1", "WDC WD40EFRX"}, true},
		{Identity{"", "zdh1", "WD40EFRX"}, true},
		{Identity{"5000c500a1b2c3d4", "", ""}, true},
		{Identity{"5000c500a1b2c3d4", "ZDH2", "WDC WD40EFRX"}, false}, // a name that occurs twice
		{Identity{"5000c500a1b2c3d4", "", "ST4000DM000"}, false},
		{Identity{"", "", "WDC WD40EFRX"}, false},
	} {
		if got := a.Same(test.b); got != test.same || test.b.Same(a) != got {
			t.Errorf("%v and %v: %v", a, test.b, got)
		}
	}
	for in, want := range map[string]string{"REDACTED": "", " 0000 ": "", "XXXXXXXX": "", "S3YZ": "S3YZ", "[No Information Found]": ""} {
		if got := plainSerial(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
	for in, want := range map[string]string{"0x5000C500A1B2C3D4": "5000c500a1b2c3d4", "5 000c50 0a1b2c3d4": "5000c500a1b2c3d4", "0x0000000000000000": "",
		"0x1234567890abcdef": "", "none": ""} {
		if got := plainWWN(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
	if (Identity{Model: "x"}).Known() || (Identity{WWN: "5"}).Key() != "wwn-5" || a.Key() != "ZDH1" {
		t.Error("keys")
	}
}

func TestHoursInOtherUnits(t *testing.T) {
	for _, test := range []struct {
		name  string
		raw   float64
		words string
		want  float64
	}{
		{"Power_On_Hours", 17000, "17000", 17000},
		{"Power_On_Minutes", 60 * 17000, "17000h+00m", 17000},
		{"Power_On_Minutes", 60 * 7000, "420000", 7000},
		{"Power_On_Half_Minutes", 120 * 4000, "480000", 4000},
		{"Power_On_Seconds", 3600 * 100, "360000", 100},
		{"Power_On_Hours", 60 * 17000, "1020000", 17000}, // 116 years: minutes
		{"Power_On_Hours", 115594749838557, "34013 (105 34 0)", 34013},
		{"Power_On_Hours_and_Msec", 9.023116403587028e15, "47060h+35m+00.858s", 47060},
	} {
		if got := hoursOf(test.name, test.raw, test.words); got != test.want {
			t.Errorf("%+v: got %v", test, got)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	for _, s := range []string{ataText, briefText, scsiText, nvmeText, `{"smartctl":{"version":[7,4],"exit_status":64},"device":{"protocol":"ATA"},
		"wwn":{"naa":5,"oui":3152,"id":99},"ata_smart_attributes":{"table":[{"id":9,"name":"Power_On_Hours","value":1,"raw":{"value":5,"string":"5"}}]}}`,
		`{"smartctl":{},"devices":[{"name":"/dev/sda","type":"scsi","protocol":"SCSI"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := ParseReport(in, "in")
		if err != nil {
			return
		}
		if len(r.Attributes) != len(r.Values) {
			t.Errorf("%d attributes, %d values", len(r.Attributes), len(r.Values))
		}
		for _, v := range []float64{r.PowerOnHours, r.CapacityBytes, r.PercentUsed, r.Uncorrectable, r.BytesRead} {
			if v < 0 {
				t.Errorf("a negative count in %+v", r.Health)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	})
}
