package tree

// Importances returns how much each column contributed to the purity of the
// forest's leaves: the mean over its trees of the impurity that the splits by
// that column removed, scaled to sum to 1 (Breiman, 2001; scikit-learn's
// feature_importances_). It is all zeros when no tree has a split. Columns with
// many distinct values are favoured (Strobl and others, 2007).
func (f *Forest) Importances() []float64 {
	out := make([]float64, f.NumInput)
	grown := 0
	for _, t := range f.Trees {
		if len(t.Left) > 1 {
			grown++
			for c, v := range t.importances(f.NumInput) {
				out[c] += v
			}
		}
	}
	if grown == 0 {
		return out
	}
	for c := range out {
		out[c] /= float64(grown)
	}
	if total := sum(out); total > 0 && len(f.Trees) > 1 {
		for c := range out {
			out[c] /= total
		}
	}
	return out
}

func (t *Tree) importances(columns int) []float64 {
	out := make([]float64, columns)
	for i, l := range t.Left {
		if l >= 0 {
			r := t.Right[i]
			out[t.Feature[i]] += float64(t.Weight[i]*t.Impurity[i]) - float64(t.Weight[l]*t.Impurity[l]) - float64(t.Weight[r]*t.Impurity[r])
		}
	}
	for c := range out {
		out[c] /= t.Weight[0]
	}
	if total := sum(out); total > 0 {
		for c := range out {
			out[c] /= total
		}
	}
	return out
}

// Splits returns how many nodes of the forest test each column.
func (f *Forest) Splits() []int {
	out := make([]int, f.NumInput)
	for _, t := range f.Trees {
		for i, l := range t.Left {
			if l >= 0 {
				out[t.Feature[i]]++
			}
		}
	}
	return out
}
