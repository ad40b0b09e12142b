package boosted

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/hist"
)

// WriteLightGBM returns an ensemble as a model file of LightGBM 4. The base value,
// which LightGBM has no place for, is added to the leaves of the first trees.
// names may be nil. Objectives that LightGBM answers otherwise are of kind
// Unsupported.
func WriteLightGBM(b *hist.Boosted, names []string) ([]byte, error) {
	objective, ok := map[hist.Objective]string{
		hist.Binary: "binary sigmoid:1", hist.Multiclass: fmt.Sprintf("multiclass num_class:%d", b.Outputs),
		hist.Squared: "regression", hist.Poisson: "poisson", hist.Quantile: "quantile",
	}[b.Objective]
	if !ok {
		return nil, errs.New(errs.Unsupported, "LightGBM has no objective %s", b.Objective)
	}
	for k, label := range b.Labels {
		if label != float64(k) {
			return nil, errs.New(errs.Unsupported, "LightGBM's file has the classes 0, 1, … and no others; this model has %v", b.Labels)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "tree\nversion=v4\nnum_class=%d\nnum_tree_per_iteration=%d\nlabel_index=0\nmax_feature_idx=%d\nobjective=%s\n", b.Outputs, b.Outputs, b.NumInput-1, objective)
	infos := make([]string, b.NumInput)
	columns := make([]string, b.NumInput)
	for j := range infos {
		infos[j], columns[j] = "[-inf:inf]", "Column_"+strconv.Itoa(j)
		if len(names) == b.NumInput {
			columns[j] = strings.Map(plainName, names[j])
		}
	}
	fmt.Fprintf(&out, "feature_names=%s\nfeature_infos=%s\n\n", strings.Join(columns, " "), strings.Join(infos, " "))
	for k := range b.Trees {
		base := 0.0
		if k < b.Outputs {
			base = b.Base[k]
		}
		writeTree(&out, k, &b.Trees[k], base)
	}
	out.WriteString("end of trees\n\nfeature_importances:\n\nparameters:\nend of parameters\n\npandas_categorical:null\n")
	return []byte(out.String()), nil
}

// plainName replaces what a list of names has no place for.
func plainName(r rune) rune {
	if strings.ContainsRune(" \t\n\r,:[]{}\"", r) {
		return '_'
	}
	return r
}

// writeTree writes one tree: inner nodes and leaves are numbered apart, a child
// that is leaf l being written as -l-1.
func writeTree(out *strings.Builder, k int, t *hist.Tree, base float64) {
	place := make([]int, len(t.Left))
	inner, leaves := 0, 0
	for i, l := range t.Left {
		if l >= 0 {
			place[i] = inner
			inner++
		} else {
			place[i] = -leaves - 1
			leaves++
		}
	}
	lines := map[string][]string{}
	add := func(key string, v any) { lines[key] = append(lines[key], fmt.Sprint(v)) }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	sets, words := 0, 0
	add("cat_boundaries", 0)
	for i, l := range t.Left {
		cover := 0.0
		if i < len(t.Cover) {
			cover = t.Cover[i]
		}
		if l < 0 {
			add("leaf_value", number(t.Value[i]+base))
			add("leaf_weight", number(cover))
			add("leaf_count", int64(cover))
			continue
		}
		add("split_feature", t.Feature[i])
		add("split_gain", number(t.Gain[i]))
		add("left_child", place[l])
		add("right_child", place[t.Right[i]])
		add("internal_value", 0)
		add("internal_weight", number(cover))
		add("internal_count", int64(cover))
		const nan, toLeft, set = 2 << 2, 2, 1
		if t.Category != nil && t.Category[i] != nil {
			add("decision_type", nan|set)
			add("threshold", sets)
			for _, w := range t.Category[i] {
				add("cat_threshold", uint32(w))
				add("cat_threshold", uint32(w>>32))
				words += 2
			}
			sets++
			add("cat_boundaries", words)
			continue
		}
		kind := nan
		if t.MissingLeft != nil && t.MissingLeft[i] {
			kind |= toLeft
		}
		add("decision_type", kind)
		add("threshold", number(t.Threshold[i]))
	}
	fmt.Fprintf(out, "Tree=%d\nnum_leaves=%d\nnum_cat=%d\n", k, leaves, sets)
	keys := []string{"split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child", "leaf_value", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count"}
	if sets > 0 {
		keys = append(keys, "cat_boundaries", "cat_threshold")
	}
	for _, key := range keys {
		fmt.Fprintf(out, "%s=%s\n", key, strings.Join(lines[key], " "))
	}
	out.WriteString("is_linear=0\nshrinkage=1\n\n\n")
}
