package smart_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// report is what smartctl -j prints of a drive, in short.
func report(serial string, at int64, sectors int) string {
	when := ""
	if at > 0 {
		when = fmt.Sprintf(`"local_time":{"time_t":%d},`, at)
	}
	return fmt.Sprintf(`{"smartctl":{"version":[7,4]},%s"device":{"name":"/dev/sda","type":"sat","protocol":"ATA"},"model_name":"ST4000DM000","serial_number":%q,`+
		`"ata_smart_attributes":{"table":[{"id":5,"name":"Reallocated_Sector_Ct","raw":{"value":%d,"string":"%d"}}]}}`, when, serial, sectors, sectors)
}

func TestReportsAreDays(t *testing.T) {
	dir := t.TempDir()
	const day = 86400
	for name, text := range map[string]string{
		"a.json": report("B", 20001*day, 8), "b.json": report("A", 20000*day, 3), "c.json": report("C", 0, 1), "d.json": report("", 20001*day, 2), "note.txt": "nothing of a drive",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := 0
	s, err := smart.OpenReports(t.Context(), dir, smart.Options{Attributes: []smart.Attribute{smart.Raw(5), smart.Raw(197)}}, 20003, func(error) { refused++ })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []string
	for {
		d, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Readings {
			got = append(got, fmt.Sprint(d.Date, r.Serial, r.Values))
		}
	}
	want := fmt.Sprint([]string{"2024-10-04A[3 NaN]", "2024-10-05B[8 NaN]", "2024-10-05/dev/sda[2 NaN]", "2024-10-07C[1 NaN]"})
	if fmt.Sprint(got) != want || refused != 1 || s.Stats().Rows != 4 || s.Stats().Bad != 1 {
		t.Errorf("got %v, %d refused, %+v; want %v", got, refused, s.Stats(), want)
	}
}

func TestReportsOfNoDrive(t *testing.T) {
	_, err := smart.OpenReports(t.Context(), t.TempDir(), smart.Options{}, 1, func(error) {})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("a folder without reports gives %v", err)
	}
}
