package train

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/table"
)

// Splits are the values of Spec.Split.
var Splits = []string{"time", "drive", "family", "time+drive", "time+family"}

// splitBy says what keeps the held-out rows of daily statistics apart.
type splitBy struct {
	time  bool   // later days, behind a gap of the horizon
	group string // "drive" or "family": on one side as a whole; "": none
}

// parseSplit reads a value of Spec.Split.
func parseSplit(name string) (splitBy, error) {
	if name == "" {
		name = "time"
	}
	if !slices.Contains(Splits, name) {
		return splitBy{}, errs.New(errs.Usage, "--split %q is none of %s", name, strings.Join(Splits, ", "))
	}
	by := splitBy{group: strings.TrimPrefix(strings.TrimPrefix(name, "time"), "+")}
	by.time = strings.HasPrefix(name, "time")
	return by, nil
}

// splitDrives holds rows out. With groups, drives or families are drawn as
// GroupShuffleSplit draws them: rows of drawn ones are judged on, rows of the
// others are learned from, and with time besides, later days of the former and
// earlier days of the latter; all other rows are left out.
func splitDrives(s *set, f *feature.Set, spec Spec, hash string) (Split, error) {
	out := Split{Kind: "none", Size: spec.TestSize, Seed: spec.Seed}
	all := make([]int, len(f.Y))
	for i := range all {
		all[i] = i
	}
	s.train = all
	if spec.TestSize > 0 {
		by, err := parseSplit(spec.Split)
		if err != nil {
			return out, err
		}
		var words []string
		s.test = all
		if by.time {
			split, err := feature.NewTimeSplit(f.Stats.FirstDay, f.Stats.LastDay, f.Horizon, 0, spec.TestSize)
			if err != nil {
				return out, err
			}
			s.train, s.test = split.Rows(f.Day)
			out.Kind, words = "time", append(words, split.String())
		}
		if by.group != "" {
			names := f.Serial
			if by.group == "family" {
				names = f.Model
			}
			held, err := heldGroups(names, spec)
			if err != nil {
				return out, errs.Wrap(err, "hold out by %s", by.group)
			}
			s.train = slices.DeleteFunc(slices.Clone(s.train), func(r int) bool { return held[names[r]] })
			s.test = slices.DeleteFunc(slices.Clone(s.test), func(r int) bool { return !held[names[r]] })
			out.Kind, words = spec.Split, append(words, heldWords(by.group, held))
		}
		out.Detail = strings.Join(words, "; ")
	}
	out.Train, out.Test, out.Digest = len(s.train), len(s.test), s.digest(hash)
	for _, part := range [][]int{s.train, s.test} {
		if len(part) > 0 && !slices.ContainsFunc(part, func(r int) bool { return s.y[r] == 1 }) {
			return out, errs.New(errs.Invalid, "no drive fails within the horizon in one part of the split (%s); bring more days, or take another --horizon, --split or --seed", out.Detail)
		}
	}
	return out, nil
}

// heldGroups draws the groups that are held out.
func heldGroups(names []string, spec Spec) (map[string]bool, error) {
	folds, err := table.GroupShuffleSplit{Splits: 1, TestSize: spec.TestSize, Seed: spec.Seed}.
		Split(table.Rows{N: len(names), Groups: table.GroupsOf(names)})
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	for _, r := range folds[0].Test {
		held[names[r]] = true
	}
	return held, nil
}

// heldWords names the held-out groups, when they are few.
func heldWords(group string, held map[string]bool) string {
	if group != "family" || len(held) > 12 {
		return "held out whole: " + strconv.Itoa(len(held)) + " " + map[string]string{"drive": "drives", "family": "families"}[group]
	}
	names := make([]string, 0, len(held))
	for name := range held {
		names = append(names, name)
	}
	slices.Sort(names)
	return "held out whole: " + strings.Join(names, ", ")
}
