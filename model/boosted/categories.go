package boosted

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// lgbCategories reads which columns were pandas categories, and their values: the
// lists at the end of the file belong, in order, to the columns of categories.
// Where these cannot be told, or the values are neither texts nor numbers, the
// error is of kind Unsupported.
func (m *Model) lgbCategories(head block, tail string) error {
	_, list, ok := strings.Cut(tail, "pandas_categorical:")
	if !ok || strings.HasPrefix(strings.TrimSpace(list), "null") {
		return nil
	}
	o, err := parseJSON([]byte(`{"lists":` + strings.TrimSpace(strings.SplitN(list, "\n", 2)[0]) + `}`))
	if err != nil {
		return errs.Wrap(err, "pandas_categorical")
	}
	lists := o.list("lists")
	if len(lists) == 0 {
		return nil
	}
	cols := lgbColumns(head, tail, m.cols, len(lists))
	if len(cols) != len(lists) {
		return errs.New(errs.Unsupported, "it was fitted to %d pandas columns of categories, and the file does not say which they are; fit it on numbers", len(lists))
	}
	for i, v := range lists {
		if err := m.category(cols[i], v); err != nil {
			return err
		}
	}
	return nil
}

// lgbColumns returns the columns of categories: what the parameters name, or those
// whose range is a list.
func lgbColumns(head block, tail string, width, want int) []int {
	var cols []int
	if _, line, ok := strings.Cut(tail, "[categorical_feature: "); ok {
		line, _, _ = strings.Cut(line, "]")
		for _, s := range strings.Split(line, ",") {
			if c, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && c >= 0 && c < width {
				cols = append(cols, c)
			}
		}
		slices.Sort(cols)
		if cols = slices.Compact(cols); len(cols) == want {
			return cols
		}
	}
	cols = nil
	for c, info := range strings.Fields(head["feature_infos"]) {
		if info != "none" && !strings.HasPrefix(info, "[") && c < width {
			cols = append(cols, c)
		}
	}
	return cols
}

// category notes the values of a column of categories: texts, or numbers, as which
// truth values count too.
func (m *Model) category(col int, v any) error {
	if nums, ok := v.([]float64); ok {
		m.Codes = append(m.Codes, Coded{Column: col, Values: nums})
		return nil
	}
	items, _ := v.([]any)
	var texts []string
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return errs.New(errs.Unsupported, "column %d holds categories of mixed kinds; fit it on numbers or on texts", col)
		}
		texts = append(texts, s)
	}
	if len(texts) > 0 {
		m.Texts = append(m.Texts, Text{Column: col, Values: texts})
	}
	return nil
}

// xgboostNames reads the values of columns of categories that XGBoost (3.1 and
// newer) keeps: texts as offsets into bytes, numbers as they are. Other values
// are refused by the library.
func xgboostNames(enc []any, cols int) (texts []Text, codes []Coded, err error) {
	if len(enc) > cols {
		return nil, nil, invalid("%d columns of categories for %d columns", len(enc), cols)
	}
	for c, v := range enc {
		o, _ := v.(object)
		values, offsets := o.nums("values"), o.nums("offsets")
		switch {
		case o["type"] != nil:
			codes = append(codes, Coded{Column: c, Values: values, Strict: true})
			continue
		case len(offsets) == 0:
			continue
		}
		t := Text{Column: c, Strict: true}
		for i := range len(offsets) - 1 {
			lo, hi := offsets[i], offsets[i+1]
			if !(lo >= 0 && lo <= hi && hi <= float64(len(values))) {
				return nil, nil, invalid("the names of the categories of column %d lie outside the list", c)
			}
			var b strings.Builder
			for _, f := range values[int(lo):int(hi)] {
				if f < 0 || f > 126 { // XGBoost counts characters where it should count bytes
					return nil, nil, errs.New(errs.Unsupported, "column %d has categories whose names are not ASCII, and XGBoost keeps these incompletely; rename them before fitting", c)
				}
				b.WriteByte(byte(f))
			}
			t.Values = append(t.Values, b.String())
		}
		texts = append(texts, t)
	}
	return texts, codes, nil
}
