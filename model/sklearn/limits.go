package sklearn

import (
	"math"
	"strings"

	"github.com/drivecast/drivecast/model/pickle"
)

// limits says whether the object accepts missing values, and the largest
// magnitude that it accepts (0: any).
func (b *builder) limits(n node, depth int) (missing bool, above float64) {
	const finite = math.MaxFloat64
	class := n.o.Class.Name
	trees := strings.Contains(class, "Forest") || strings.Contains(class, "Tree")
	switch {
	case strings.HasPrefix(class, "HistGradientBoosting"):
		return true, 0
	case class == "IsolationForest":
		return b.atLeast(1, 6), math.MaxFloat32
	case strings.HasPrefix(class, "RandomForest"):
		return b.atLeast(1, 4) && sole(n), math.MaxFloat32
	case strings.HasPrefix(class, "ExtraTree"):
		return b.atLeast(1, 6) && sole(n), math.MaxFloat32
	case strings.HasPrefix(class, "DecisionTree"):
		return b.atLeast(1, 3) && n.text("splitter", "best") == "best" && sole(n), math.MaxFloat32
	case trees || strings.HasPrefix(class, "GradientBoosting"):
		return false, math.MaxFloat32
	case class == "SimpleImputer" || class == "KBinsDiscretizer" || class == "ColumnTransformer" || class == "FeatureUnion" || class == "VarianceThreshold":
		return true, 0
	case strings.HasSuffix(class, "Scaler") || class == "PowerTransformer" || class == "QuantileTransformer":
		missing, above = true, finite
	case class == "Bagging" || strings.HasPrefix(class, "Bagging") || strings.HasPrefix(class, "Voting") || strings.HasPrefix(class, "Stacking"):
		return true, 0
	}
	if steps, err := n.steps(); err == nil && depth < maxNest {
		return b.chainLimits(steps, depth)
	}
	if missing {
		return true, above
	}
	return false, finite
}

// chainLimits is limits of a pipeline: scalers let missing values through, an
// imputer and what does not look at every column end the question.
func (b *builder) chainLimits(steps []*pickle.Object, depth int) (missing bool, above float64) {
	missing = true
	for i, o := range steps {
		m, a := b.limits(node{o, ""}, depth+1)
		if i == 0 {
			above = a
		}
		missing = missing && m
		if class := o.Class.Name; !strings.HasSuffix(class, "Scaler") && !strings.HasSuffix(class, "Transformer") && class != "VarianceThreshold" || class == "ColumnTransformer" {
			break
		}
	}
	return missing, above
}

// sole reports whether a forest of trees has one output and no monotonic
// constraints, which is when it accepts missing values.
func sole(n node) bool { return !n.has("monotonic_cst") }
