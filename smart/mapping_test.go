package smart_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

func TestMapping(t *testing.T) {
	m, err := smart.ParseMapping([]byte("# ours\r\ndate: when\nserial_number: \"Drive No\"\nsmart_5_raw: realloc\n\ntemperature_celsius: temp\npower_on_hours: {column: min, scale: 0.5}\n"), "map")
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, "any.csv", "Drive No,temp,when,realloc,realloc,min\nA,28 Celsius,1551459604,3,9,90\nB,5 %,2019-03-02,NA,,\nC,1 2,2019-03-02,,,\n")
	opt := smart.Options{Mapping: m, Attributes: []smart.Attribute{smart.Raw(5), smart.TemperatureCelsius, smart.PowerOnHours}, MaxBad: .5}
	src, err := smart.Open(context.Background(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, src)
	want := []string{"2019-03-01 A  NaN false [3 28 45]", "2019-03-02 B  NaN false [NaN 5 NaN]"}
	if err != nil || !slices.Equal(got, want) || src.Stats().Bad != 1 {
		t.Errorf("got %q, %v, %+v; want %q", got, err, src.Stats(), want)
	}
	for text, want := range map[string]string{"date when": "line 1", "date: a\nserial_number: b\nsmart_5: c": "line 3", "date: a": "must say",
		"date:": "line 1", "date: a\ndate: b": "mapped twice", "date: [a]": "no column", "date: {column: a, scale: x}": "no number above zero",
		"date: {col: a}": "neither column nor scale", "a: b: c": "no YAML", "": "must say", "serial_number: s\nstart: a\nevent: c": "must say"} {
		_, err := smart.ParseMapping([]byte(text), "map")
		var in *errs.Input
		if !errors.As(err, &in) || in.File != "map" || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// nersc maps the dumps of Intel's tool that NERSC publishes.
const nersc = `
date: timestamp
serial_number: serial_number
model: model_number
capacity_bytes: physical_size
temperature_celsius: temperature
power_on_hours: power_on_hours
power_cycles: power_cycles
unsafe_shutdowns: unsafe_shutdowns
percent_used: percentage_used
spare_percent: available_spare
uncorrectable_errors: media_errors
interface_errors: crc_error_count
bytes_written: data_units_written_bytes
`

func TestRealNERSC(t *testing.T) {
	m, err := smart.ParseMapping([]byte(nersc), "nersc")
	if err != nil {
		t.Fatal(err)
	}
	src, err := smart.Open(context.Background(), realData(t, "nersc"), smart.Options{Mapping: m, Attributes: smart.AllAttributes()})
	if err != nil {
		t.Fatal(err)
	}
	serials := map[string]bool{}
	var firstReading string
	for {
		day, err := src.Next(context.Background())
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, r := range day.Readings {
			serials[r.Serial] = true
			if r.Serial == "8bade0dd7a9e9d8965e1c551bde43162-2" && firstReading == "" {
				rep := smart.ReportOf(r, src.Attributes())
				rep.Line = 0
				text, err := rep.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				firstReading = string(text)
			}
		}
	}
	if s := src.Stats(); s.Rows != 1148+8*1152 || s.Bad != 0 || len(serials) != 1152 {
		t.Errorf("got %+v, %d drives", s, len(serials))
	}
	want := `{"kind":"drive","date":"2019-03-01","serial_number":"8bade0dd7a9e9d8965e1c551bde43162-2","model":"INTEL SSDPECME040T4Y","vendor":"Intel","medium":"SSD",` +
		`"capacity_bytes":1600319143936,"temperature_celsius":28,"power_on_hours":22340,"power_cycles":86,"unsafe_shutdowns":0,"percent_used":0,` +
		`"spare_percent":100,"uncorrectable_errors":0,"interface_errors":0,"bytes_written":85126174720000}`
	if firstReading != want {
		t.Errorf("got  %s\nwant %s", firstReading, want)
	}
}

func TestMappingOfAColumnThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.csv", "day,id,realloc\n2025-01-01,A,3\n")
	write("b.csv", "day,id,realloc,pending\n2025-01-02,A,3,1\n")
	mapping := func(column string) smart.Mapping {
		m, err := smart.ParseMapping([]byte("date: day\nserial_number: id\nsmart_5_raw: realloc\nsmart_197_raw: "+column+"\n"), "m.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if s, err := smart.Open(t.Context(), dir, smart.Options{Mapping: mapping("pending")}); err != nil {
		t.Errorf("a column that one file has: %v", err)
	} else {
		s.Close()
	}
	_, err := smart.Open(t.Context(), dir, smart.Options{Mapping: mapping("pendnig")})
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), `"pendnig"`) {
		t.Errorf("a column that no file has: %v", err)
	}
}
