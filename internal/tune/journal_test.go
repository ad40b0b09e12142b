package tune

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// begun is a finished study of four jobs, and its journal.
func begun(t *testing.T) (s Settings, file string, lines []string) {
	t.Helper()
	s = Settings{Space: spaceOf(t, "x=uniform(0,1)"), Method: "random", Seed: 1, Trials: 4, Goal: search.Maximize, Steps: 2,
		About: map[string]string{"metric": "roc_auc"}}
	file = filepath.Join(t.TempDir(), "study.jsonl")
	if _, err := Run(t.Context(), s, curves(2), Options{Journal: file, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s, file, strings.SplitAfter(string(text), "\n")[:5]
}

func TestHostileJournals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(lines []string) []string
		want   string
	}{
		"a data file":        {func([]string) []string { return []string{"serial,age\n", "A,1\n"} }, "line 1: this is not the journal of a study"},
		"no line end":        {func([]string) []string { return []string{"serial,age"} }, "line 1: this is not the journal of a study"},
		"another version":    {func(l []string) []string { l[0] = strings.Replace(l[0], `study":1`, `study":9`, 1); return l }, "version 9"},
		"an id as a query":   {func(l []string) []string { l[0] = strings.Replace(l[0], `"id":""`, `"id":"' OR"`, 1); return l }, "not the journal"},
		"rubbish":            {func(l []string) []string { l[2] = "\x00\xff{\n"; return l }, "line 3: the line is not an outcome"},
		"an empty line":      {func(l []string) []string { l[2] = "\n"; return l }, "line 3: the line is not an outcome"},
		"a line twice":       {func(l []string) []string { return append(l[:4], l[2]) }, "line 5: job 1 is also in line 3"},
		"a long line":        {func(l []string) []string { l[2] = strings.Repeat("x", 2<<20) + "\n"; return l }, "line 3: the line is longer"},
		"a negative job":     {func(l []string) []string { l[1] = strings.Replace(l[1], `"job":0`, `"job":-1`, 1); return l }, "negative"},
		"another trial":      {func(l []string) []string { l[2] = strings.Replace(l[2], `"trial":1`, `"trial":2`, 1); return l }, "line 3: job 1 is trial 1"},
		"another point":      {func(l []string) []string { l[2] = strings.Replace(l[2], `"point":[0.`, `"point":[0.1`, 1); return l }, "line 3: these settings try"},
		"a value changed":    {func(l []string) []string { l[3] = strings.Replace(l[3], `"value":`, `"value":1`, 1); return l }, "line 4: 1"},
		"a state unknown":    {func(l []string) []string { l[3] = strings.Replace(l[3], "complete", "finished", 1); return l }, `"finished" is no state`},
		"values too few":     {func(l []string) []string { l[3] = strings.Replace(l[3], `"values":[`, `"values":[1,2,3,`, 1); return l }, "5 values do not fit"},
		"a field unknown":    {func(l []string) []string { l[3] = strings.Replace(l[3], `{"job"`, `{"x":1,"job"`, 1); return l }, "line 4: the line is not an outcome"},
		"an infinite number": {func(l []string) []string { l[3] = strings.Replace(l[3], `"share":1`, `"share":1e999`, 1); return l }, "line 4: the line is not an outcome"},
	} {
		s, file, lines := begun(t)
		text := strings.Join(c.change(lines), "")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Run(t.Context(), s, curves(2), Options{Journal: file, Now: time.Now})
		if err == nil || !contains(err.Error(), c.want) || !contains(err.Error(), file) {
			t.Errorf("%s: %v, want it to say %q and the file", name, err, c.want)
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != text {
			t.Errorf("%s: the file was changed (%v)", name, err)
		}
	}
}

func TestJournalOfAnotherStudy(t *testing.T) {
	s, file, _ := begun(t)
	s.About = map[string]string{"metric": "log_loss"}
	_, err := Run(t.Context(), s, curves(2), Options{Journal: file, Now: time.Now})
	if !errs.Is(err, errs.State) || !contains(err.Error(), "metric = roc_auc, and now it is log_loss") {
		t.Errorf("another metric: %v", err)
	}
	s.About = map[string]string{"metric": "roc_auc"}
	s.Space = spaceOf(t, "x=uniform(0,2)")
	if _, err = Run(t.Context(), s, curves(2), Options{Journal: file, Now: time.Now}); !errs.Is(err, errs.State) || !contains(err.Error(), "space of x") {
		t.Errorf("another space: %v", err)
	}
}

func TestOneProcessAStudy(t *testing.T) {
	s, file, _ := begun(t)
	j, err := openJournal(file, "", s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(file, "", s); !errs.Is(err, errs.State) || !contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	j.close()
	if j, err = openJournal(file, "", s); err != nil {
		t.Fatal(err)
	}
	j.close()
}

// FuzzJournal wants every file to be refused or gone on with, to the same result.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte(`{"drivecast_study":1,"settings":{}}` + "\n"))
	f.Add([]byte(`{"drivecast_study":1,"sett`))
	f.Add([]byte("a,b\n1,2\n"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		s, file, lines := begun(t)
		want, err := Run(t.Context(), s, curves(2), Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(tail), lines[0] + lines[1] + string(tail)} {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := Run(t.Context(), s, curves(2), Options{Journal: file, Now: time.Now})
			if err != nil {
				if k := errs.KindOf(err); k != errs.Invalid && k != errs.State && k != errs.Unsupported {
					t.Errorf("%q: %v is of kind %s", text, err, k)
				}
				continue
			}
			if got.Best != want.Best {
				t.Errorf("%q: the best is job %d, want %d", text, got.Best, want.Best)
			}
		}
	})
}
