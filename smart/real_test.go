package smart_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// realData returns a path below the folder of real drive data, named by the
// environment variable DRIVE_DATA; the test is skipped when that is not set.
func realData(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drive data to read")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("DRIVE_DATA is set, and its data is missing: %v", err)
	}
	return path
}

// TestRealBackblaze reads every file of drive statistics that there is. The
// counts were taken from the files with Python's csv module.
func TestRealBackblaze(t *testing.T) {
	for _, test := range []struct {
		path                             string
		days, rows, bad, failed, serials int
		models                           int
	}{
		{"2013_daily", 26, 561489, 0, 62, 21979, 36},
		{"2013_monthly", 3, 22635 + 855 + 900, 0, 1, 23318, 37},
		{"2016_three_models_50days", 50, 10847 + 5003 + 6871, 0, 7, 457, 3},
		{"2018_ST4000DM000_failures", 264, 581, 0, 581, 581, 1},
		{"2019_2020_run_to_failure", 272, 7259, 0, 119, 119, 1},
		{"2019_lastday_per_model/HGST_HMS5C4040BLE640_last_day_all_q_raw.csv.gz", 88, 14606, 0, 57, 14606, 1},
		{"2019_lastday_per_model/ST8000DM002_last_day_all_q_normalised.csv.gz", 114, 9936, 0, 122, 9936, 1},
		{"2019_lastday_per_model/ST8000NM0055_last_day_all_q_raw.csv.gz", 163, 14679, 0, 221, 14679, 1},
		{"2019_lastday_per_model/TOSHIBA_MQ01ABF050_last_10_day_all_q_raw.csv.gz", 335, 5335, 0, 776, 534, 1},
		{"2019_lastday_per_model/TOSHIBA_MQ01ABF050_last_day_all_q_raw.csv", 72, 534, 0, 78, 534, 1},
		{"2020_ST12000NM0007_semicolon/train.csv.gz", 29, 37307, 1, 302, 37006, 1},
		{"2020_ST12000NM0007_semicolon/dane_do_testu_csv_ST12000NM0007.csv.gz", 30, 36480, 0, 142, 36341, 1},
		{"2024Q1_ST12000NM0008_failing", 90, 6325, 0, 144, 144, 1},
		{"failures_by_quarter/hdd_failures_2020Q1.csv.gz", 87, 409, 0, 409, 409, 18},
		{"failures_by_quarter/failures_Q1_2023.csv.gz", 89, 929, 0, 929, 929, 40},
		{"failures_by_quarter/hdd_failures_2022Q3.csv.gz", 361, 4154, 0, 4154, 4153, 53},
	} {
		t.Run(test.path, func(t *testing.T) {
			path := realData(t, "backblaze", test.path)
			if !smart.IsBackblaze(path) {
				t.Error("not taken for drive statistics")
			}
			src, err := smart.Open(context.Background(), path, smart.Options{Attributes: smart.AllAttributes()})
			if err != nil {
				t.Fatal(err)
			}
			failed, serials, models := 0, map[string]bool{}, map[string]bool{}
			for last := smart.NoDate; ; {
				d, err := src.Next(context.Background())
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if d.Date <= last {
					t.Errorf("%v comes after %v", d.Date, last)
				}
				last = d.Date
				for _, r := range d.Readings {
					if r.Failed {
						failed++
					}
					serials[r.Serial], models[r.Model] = true, true
				}
			}
			s := src.Stats()
			if s.Days != test.days || s.Rows != test.rows || s.Bad != test.bad || failed != test.failed || len(serials) != test.serials || len(models) != test.models {
				t.Errorf("got %d days, %d rows, %d bad, %d failed, %d serials, %d models (%+v)", s.Days, s.Rows, s.Bad, failed, len(serials), len(models), s.First)
			}
		})
	}
}

// TestRealOthersAreRefused names the files that are no drive statistics.
func TestRealOthersAreRefused(t *testing.T) {
	for path, want := range map[string]string{
		"backblaze/hds_intervals.csv.gz":                        "the header lacks date, smart_N_raw",
		"backblaze/2019Q4_ST4000DM000_7day/Test_dataset.csv.gz": "the header lacks date",
		"backblaze/2016_three_models_50days/model_counts.csv":   "the header lacks date, serial_number",
		"seed/hdd_balanced_dataset.csv":                         "the header lacks smart_N_raw",
		"backblaze/2019_lastday_per_model/SMART_IDs.txt":        "the header lacks",
		"smartctl_json/AnalogJ+scrutiny/smart-ata.json":         "",
		"nersc/Intel_DCT_20190301.csv.gz":                       `column "serial_number": two columns have this name`,
	} {
		_, err := smart.Open(context.Background(), realData(t, path), smart.Options{})
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func BenchmarkReal2013Daily(b *testing.B) {
	path := realData(b, "backblaze", "2013_daily")
	for b.Loop() {
		src, err := smart.Open(context.Background(), path, smart.Options{})
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = src.Next(context.Background())
		}
	}
	b.ReportMetric(561489*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
