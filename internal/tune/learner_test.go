package tune

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
	"github.com/drivecast/drivecast/internal/simulate"
	"github.com/drivecast/drivecast/internal/train"
)

// open prepares testdata/drives.csv, or data in its place, as train does with a
// quarter of the rows held out.
func open(t *testing.T, data, target, learner, group, split, metric string, params ...string) *Learner {
	t.Helper()
	fixed, err := train.ParseParams(params)
	if err != nil {
		t.Fatal(err)
	}
	spec := train.Spec{Data: data, Target: target, Features: []string{"age", "temp", "sectors", "noise"}, Learner: learner, Seed: 42, TestSize: 0.25}
	p, err := train.Prepare(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	l := &Learner{Data: p, Name: learner, Fixed: fixed, Workers: 2}
	if l.Rows, err = p.Training(group); err != nil {
		t.Fatal(err)
	}
	if l.Split, err = ParseSplit(split, 42); err != nil {
		t.Fatal(err)
	}
	if l.Metric, err = FindMetric(metric, l.Rows.Regression); err != nil {
		t.Fatal(err)
	}
	l.Space = search.Space{}
	if err := l.Open(); err != nil {
		t.Fatal(err)
	}
	return l
}

func judged(t *testing.T, l *Learner, j Job, values map[string]string) []float64 {
	t.Helper()
	var got []float64
	if err := l.Judge(t.Context(), j, values, func(v float64) bool { got = append(got, v); return true }); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestFoldsAsScikitLearn compares with cross_val_score of scikit-learn 1.9.1 on
// the training part of train_test_split(test_size=0.25, random_state=42,
// stratify=y), for RandomForestClassifier(n_estimators=12, max_depth=4,
// random_state=42) and, without stratify, its regressor.
func TestFoldsAsScikitLearn(t *testing.T) {
	for _, c := range []struct {
		split, metric string
		want          []float64
	}{
		{"stratified:5", "roc_auc", []float64{0.8111455108359132, 0.8034055727554179, 0.6811145510835914, 0.78328173374613, 0.7687499999999999}},
		{"stratified:5", "accuracy", []float64{0.7777777777777778, 0.7222222222222222, 0.6666666666666666, 0.75, 0.7222222222222222}},
		{"stratified:5", "f1", []float64{0.75, 0.6428571428571429, 0.6470588235294118, 0.7428571428571429, 0.6875}},
		{"stratified:5", "neg_log_loss", []float64{0.5209923625766586, 0.551766556568406, 0.6736525680250514, 0.5511270520258438, 0.6051673427595833}},
		{"stratified:5", "average_precision", []float64{0.8411601773974806, 0.8324562297285258, 0.6492811302499885, 0.8154215642932682, 0.6670388821704611}},
		{"stratified:5", "brier_score", []float64{0.17339489574920156, 0.17773783061076548, 0.23443559986635654, 0.1879027732847004, 0.1983900061241383}},
		{"stratified:5", "balanced_accuracy", []float64{0.7739938080495357, 0.7120743034055728, 0.6656346749226006, 0.7507739938080495, 0.71875}},
		{"kfold:4:shuffle", "roc_auc", []float64{0.75, 0.7530864197530864, 0.7702429149797572, 0.8241106719367589}},
		{"group:3", "roc_auc", []float64{0.8552631578947368, 0.8042986425339367, 0.8080357142857142}},
		{"shuffle:3:0.2", "roc_auc", []float64{0.7678018575851393, 0.790625, 0.7650793650793651}},
		{"group-shuffle:3:0.2", "roc_auc", []float64{0.8423913043478262, 0.7333333333333334, 0.8660714285714286}},
		{"stratified-shuffle:3", "roc_auc", []float64{0.6934984520123839, 0.8513931888544892, 0.7445820433436533}},
		{"series:3", "roc_auc", []float64{0.8409090909090909, 0.734, 0.7024291497975708}},
		{"kfold:5", "mean_absolute_error", []float64{0.95235653085958, 0.9134818256822703, 0.9483930041197279, 1.042093842747353, 0.9618566018604108}},
		{"kfold:5", "neg_root_mean_squared_error", []float64{1.244728534534499, 1.1128969875316077, 1.187773463840728, 1.2749305657639092, 1.2128692124619167}},
		{"kfold:5", "r2", []float64{0.9917164417367298, 0.990641614392368, 0.9888413537891958, 0.9875181135748458, 0.9881865515284473}},
	} {
		target, learner := "failed", "RandomForestClassifier"
		if c.split == "kfold:5" {
			target, learner = "wear", "RandomForestRegressor"
		}
		l := open(t, "testdata/drives.csv", target, learner, "", c.split, c.metric, "n_estimators=12", "max_depth=4")
		got := judged(t, l, Job{Share: 1}, nil)
		for i := range c.want {
			if len(got) != len(c.want) || math.Abs(got[i]-c.want[i]) > 1e-12 {
				t.Errorf("%s %s: %v, want %v", c.split, c.metric, got, c.want)
				break
			}
		}
	}
}

// TestHeldOutRowsAreNotSeen scrambles the features of the held-out rows and wants
// every trial of a study to come out as before.
func TestHeldOutRowsAreNotSeen(t *testing.T) {
	run := func(data string) (*Result, []int) {
		l := open(t, data, "failed", "RandomForestClassifier", "", "stratified:3", "roc_auc", "n_estimators=5")
		l.Space = spaceOf(t, "max_depth=int(1,6)", "max_features=choice(sqrt,None,0.5)")
		r, err := Run(t.Context(), Settings{Space: l.Space, Method: "random", Seed: 1, Trials: 8, Goal: l.Metric.Goal, Steps: 3},
			l.Judge, Options{Workers: 2, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return timeless(r), l.Rows.Row
	}
	f, err := os.Open("testdata/drives.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want, training := run("testdata/drives.csv")
	var text strings.Builder
	changed := 0
	for i, row := range rows {
		if i > 0 && !slices.Contains(training, i-1) {
			row[1], row[2], row[3], row[4] = fmt.Sprint(i*7919%4001), "99", fmt.Sprint(i%9), "-5"
			changed++
		}
		text.WriteString(strings.Join(row, ",") + "\n")
	}
	file := filepath.Join(t.TempDir(), "other.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	got, _ := run(file)
	if changed != 60 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d held-out rows were changed, and the study sees it", changed)
	}
}

// TestLessEffort checks what halving gives to a trial: nested parts of the rows
// with the classes in their shares, or a parameter's share.
func TestLessEffort(t *testing.T) {
	l := open(t, "testdata/drives.csv", "failed", "RandomForestClassifier", "", "stratified:3", "roc_auc", "n_estimators=9")
	whole := l.part(0, 1)
	if !slices.Equal(whole, l.folds[0].Train) {
		t.Error("the whole share is not all rows in their order")
	}
	for _, share := range []float64{0.5, 0.1, 0.001} {
		part := l.part(0, share)
		positives := 0
		for _, r := range part {
			if !slices.Contains(whole, r) {
				t.Fatalf("row %d is new in a smaller share", r)
			}
			positives += int(l.Rows.Y[r])
		}
		want := max(2, int(math.Ceil(share*float64(len(l.folds[0].Train)))))
		rate := 0.0
		for _, r := range whole {
			rate += l.Rows.Y[r] / float64(len(whole))
		}
		if len(part) != want || math.Abs(float64(positives)-rate*float64(want)) > 1 || positives == 0 {
			t.Errorf("share %g: %d rows, %d positives; want %d and about %.1f", share, len(part), positives, want, rate*float64(want))
		}
		whole = part
	}
	three := open(t, "testdata/drives.csv", "failed", "RandomForestClassifier", "", "stratified:3", "roc_auc", "n_estimators=3")
	l.Resource = "n_estimators"
	if err := l.checkResource(); err != nil {
		t.Fatal(err)
	}
	if got, want := judged(t, l, Job{Share: 1. / 3}, nil), judged(t, three, Job{Share: 1}, nil); !slices.Equal(got, want) {
		t.Errorf("a third of nine trees gives %v, three trees give %v", got, want)
	}
	l.Resource = "max_depth"
	if err := l.checkResource(); !errs.Is(err, errs.Usage) || !contains(err.Error(), "--param max_depth=N") {
		t.Errorf("halving by a parameter that is not given: %v", err)
	}
}

// TestDailyStatistics walks forward through a simulated fleet: rows are learned
// from only when their labels end before the days judged.
func TestDailyStatistics(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fleet")
	if _, err := simulate.Write(t.Context(), dir, simulate.Options{Drives: 300, Days: 90}); err != nil {
		t.Fatal(err)
	}
	p, err := train.Prepare(t.Context(), train.Spec{Data: dir, Learner: "RandomForestClassifier", Seed: 42, TestSize: .2, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := p.Training("")
	if err != nil {
		t.Fatal(err)
	}
	split, err := ParseSplit("time:2:9", 42)
	if err != nil {
		t.Fatal(err)
	}
	folds, err := split.Folds(rows)
	if err != nil || len(folds) != 2 {
		t.Fatal(len(folds), err)
	}
	for i, f := range folds {
		last, first := rows.Days[f.Train[0]], rows.Days[f.Test[0]]
		for _, r := range f.Train {
			last = max(last, rows.Days[r])
		}
		for _, r := range f.Test {
			first = min(first, rows.Days[r])
		}
		if int(first-last) <= 9 {
			t.Errorf("fold %d learns from days until %s and judges from %s", i, last, first)
		}
	}
	for text, want := range map[string]string{"stratified:3": "time:3 or group:5", "time:80": "too few"} {
		s, err := ParseSplit(text, 42)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Folds(rows); err == nil || !contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", text, err, want)
		}
	}
	grouped, err := ParseSplit("group:3", 42)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := grouped.Folds(rows); err != nil {
		t.Error(err)
	}
}

func TestSplitsAreRefused(t *testing.T) {
	for _, text := range []string{"", "kfold", "kfold:0", "kfold:x", "kfold:5:7", "shuffle:3:1.5", "shuffle:3:0", "series:3:-1", "time:2:x", "fold:3", "kfold:5:shuffle:1"} {
		if _, err := ParseSplit(text, 1); !errs.Is(err, errs.Usage) || !contains(err.Error(), "stratified:K") {
			t.Errorf("%q: %v, want a usage error that lists the splitters", text, err)
		}
	}
	rows := &train.Rows{Row: []int{0, 1, 2, 3, 4, 5}, Y: []float64{0, 0, 0, 1, 1, 1}}
	for text, want := range map[string]string{"group:2": "--group", "time:2": "series:2", "kfold:7": "split by kfold:7"} {
		s, err := ParseSplit(text, 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Folds(rows); err == nil || !contains(err.Error(), want) {
			t.Errorf("%s: %v, want it to say %q", text, err, want)
		}
	}
	rows.Text = []string{"A", "B", "C", "A", "B", "C"}
	s, err := ParseSplit("kfold:2", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Folds(rows); !errs.Is(err, errs.Invalid) || !contains(err.Error(), "both sides") {
		t.Errorf("groups on both sides: %v", err)
	}
	folds, err := s.Folds(&train.Rows{Y: rows.Y, Row: rows.Row})
	if err != nil {
		t.Fatal(err)
	}
	m, err := FindMetric("roc_auc", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkClasses(folds, rows.Y, m, s); !errs.Is(err, errs.Invalid) || !contains(err.Error(), "one class only") {
		t.Errorf("folds of one class: %v", err)
	}
}

func TestMetricsAreRefused(t *testing.T) {
	if _, err := FindMetric("roc_auc", true); !errs.Is(err, errs.Usage) || !contains(err.Error(), "r2_score") {
		t.Errorf("the AUC of a regressor: %v", err)
	}
	if _, err := FindMetric("gini", false); !errs.Is(err, errs.Usage) || !contains(err.Error(), "roc_auc") {
		t.Errorf("an unknown metric: %v", err)
	}
}
