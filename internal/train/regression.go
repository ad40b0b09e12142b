package train

import (
	"context"

	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
)

// regression makes the learners LinearRegression and Ridge. Whichever solver is
// named, the optimum is found.
func regression(name string, params []Param) (*learner, error) {
	o := linear.RegressionOptions{FitIntercept: true}
	set := map[string]setter{
		"fit_intercept": boolean(&o.FitIntercept), "positive": only(false), "tol": ignored, "copy_X": ignored, "n_jobs": ignored,
	}
	if name == "Ridge" {
		o.Alpha = 1
		set["alpha"], set["max_iter"], set["random_state"] = more(&o.Alpha, 0), ignored, ignored
		set["solver"] = oneOf(new(string), "auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga")
		delete(set, "n_jobs")
	}
	if err := apply(name, params, set); err != nil {
		return nil, err
	}
	return &learner{regression: true, fit: func(ctx context.Context, t task) (model.Estimator, error) {
		return linear.FitRegression(ctx, t.x, t.y, t.weights, o)
	}}, nil
}
