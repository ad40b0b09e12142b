package train

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/tree/hist"
)

// objectiveKind is what --param objective chose; the zero value leaves it to the
// target.
type objectiveKind struct {
	objective hist.Objective
	anyClass  bool // log loss of as many classes as there are
}

func (k objectiveKind) classes() bool {
	return k.anyClass || k.objective == hist.Binary || k.objective == hist.Multiclass
}

func (k objectiveKind) number() bool { return !k.classes() && k.objective != "" }

// objectives are the names that LightGBM, XGBoost and scikit-learn give our
// objectives.
var objectives = map[string]objectiveKind{
	"binary": {objective: hist.Binary}, "binary:logistic": {objective: hist.Binary},
	"log_loss": {objective: hist.Binary, anyClass: true}, "classification": {objective: hist.Binary, anyClass: true},
	"multiclass": {objective: hist.Multiclass}, "softmax": {objective: hist.Multiclass},
	"multi:softmax": {objective: hist.Multiclass}, "multi:softprob": {objective: hist.Multiclass},
	"regression": {objective: hist.Squared}, "regression_l2": {objective: hist.Squared}, "l2": {objective: hist.Squared},
	"mean_squared_error": {objective: hist.Squared}, "mse": {objective: hist.Squared}, "l2_root": {objective: hist.Squared},
	"root_mean_squared_error": {objective: hist.Squared}, "rmse": {objective: hist.Squared}, "squared_error": {objective: hist.Squared},
	"reg:squarederror": {objective: hist.Squared},
	"poisson":          {objective: hist.Poisson}, "count:poisson": {objective: hist.Poisson},
	"quantile": {objective: hist.Quantile}, "reg:quantileerror": {objective: hist.Quantile},
	"cox": {objective: hist.Cox}, "survival:cox": {objective: hist.Cox},
}

// medians are names of the absolute error, which the median minimises.
var medians = []string{"absolute_error", "regression_l1", "l1", "mean_absolute_error", "mae", "reg:absoluteerror"}

// setObjective accepts the objectives of the three libraries that are ours too.
func (b *boost) setObjective(v any) string {
	name, _ := v.(string)
	for _, m := range medians {
		if name == m {
			b.kind, b.opt.Alpha = objectiveKind{objective: hist.Quantile}, .5
			return ""
		}
	}
	k, ok := objectives[name]
	if !ok {
		return "binary, multiclass, regression, absolute_error, poisson, quantile or cox"
	}
	b.kind = k
	return ""
}

// objectiveFor returns the objective for a target of so many classes, 0 for
// numbers.
func (b *boost) objectiveFor(classes int) (hist.Objective, error) {
	switch {
	case b.kind.objective != "" && !b.kind.anyClass:
		if n := b.numClass; n > 1 && b.kind.objective == hist.Multiclass && n != classes {
			return "", errs.New(errs.Invalid, "%s: num_class is %d, and the target has %d classes", b.name, n, classes)
		}
		return b.kind.objective, nil
	case classes == 0:
		return hist.Squared, nil
	case classes == 2:
		return hist.Binary, nil
	}
	return hist.Multiclass, nil
}

// columnNumber returns the column that a literal names or counts from 0.
func columnNumber(v any, columns []string) (int, error) {
	switch v := v.(type) {
	case int64:
		if v >= 0 && v < int64(len(columns)) {
			return int(v), nil
		}
		return 0, errs.New(errs.Usage, "there is no column %d: columns count from 0 to %d", v, len(columns)-1)
	case string:
		for i, c := range columns {
			if c == v {
				return i, nil
			}
		}
		return 0, errs.New(errs.Usage, "there is no column %q%s among %s", v, nearest(v, columns), strings.Join(columns, ", "))
	}
	return 0, errs.New(errs.Usage, "%s is neither a column's name nor its number", Show(v))
}
