package doctor

import (
	"fmt"
	"time"
)

// endOfLife is the last day of security fixes of Python's releases, as python.org
// states them; older ones ended before.
var endOfLife = []struct {
	minor int // of Python 3
	day   time.Time
}{
	{8, time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)},
	{9, time.Date(2025, 10, 31, 0, 0, 0, 0, time.UTC)},
	{10, time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)},
	{11, time.Date(2027, 10, 31, 0, 0, 0, 0, time.UTC)},
	{12, time.Date(2028, 10, 31, 0, 0, 0, 0, time.UTC)},
	{13, time.Date(2029, 10, 31, 0, 0, 0, 0, time.UTC)},
}

const serverPackage = "azureml-inference-server-http"

// environment looks at the packages of a Python server. noCode says that the
// platform writes the scoring script.
func (e *examination) environment(env *environment, m *modelFolder, noCode bool) {
	python, known := env.packages["python"]
	old := known && python.span.high != nil && !python.span.mayReach(version{3, 9})
	e.server(env, old)
	if noCode {
		if _, ok := env.packages["azureml-ai-monitoring"]; !ok {
			e.add(Finding{Cause: NoMonitoring, File: env.file, Field: "azureml-ai-monitoring", Problem: "the scoring script that the platform writes imports azureml.ai.monitoring, and nothing here installs it",
				Mend: "add azureml-ai-monitoring to the pip list"})
		}
	}
	if r, ok := env.packages["mlflow"]; ok && r.span.mayReach(version{3, 0}) && noCode {
		e.add(Finding{Cause: MLflowClash, File: r.file, Line: r.line, Field: "mlflow" + r.spec, Problem: "MLflow 3 may be installed, with which the platform's scoring script does not start",
			Mend: "pin mlflow to the 2.x that logged the model, such as mlflow==2.22.0"})
	}
	if known {
		e.python(python)
	}
	e.together(env, old)
	if m != nil {
		e.model(env, m)
	}
}

// server looks whether something answers HTTP.
func (e *examination) server(env *environment, old bool) {
	r, ok := env.packages[serverPackage]
	if !ok {
		if _, ok := env.packages["azureml-defaults"]; ok {
			return // brings the server with it
		}
		mend := "add " + serverPackage + " to the pip list"
		if old {
			mend = "add " + serverPackage + "<1.3, the last that runs on this Python, to the pip list"
		}
		e.add(Finding{Cause: NoServer, File: env.file, Field: serverPackage, Problem: "nothing in this environment serves HTTP: the gateway comes up, the server behind it never does, and the liveness probe reads 502", Mend: mend})
		return
	}
	field := serverPackage + r.spec
	switch {
	case r.span.within(version{1, 3}, version{1, 3, 5}):
		e.add(Finding{Cause: ServerClash, File: r.file, Line: r.line, Field: field, Problem: "the server's releases 1.3.0 to 1.3.4 import azureml.contrib, which is not installed with them", Mend: "write " + serverPackage + "<1.3, or >=1.4 with Python 3.9 or newer"})
	case old && r.span.low != nil && r.span.low.compare(version{1, 4}) >= 0:
		e.add(Finding{Cause: ServerClash, File: r.file, Line: r.line, Field: field, Problem: "the server has not been published for this Python since 1.4", Mend: "write " + serverPackage + "<1.3, or move to Python 3.10 or newer"})
	case old && r.span.mayReach(version{1, 3}):
		e.add(Finding{Cause: ServerClash, File: r.file, Line: r.line, Field: field, Problem: "with this Python the newest server that installs is a 1.3, which imports azureml.contrib and does not start", Mend: "write " + serverPackage + "<1.3"})
	}
}

// python looks whether the interpreter is still built and mended.
func (e *examination) python(r requirement) {
	high := r.span.high
	if high == nil {
		return
	}
	f := Finding{Cause: PythonEnd, File: r.file, Line: r.line, Field: "python" + r.spec, Mend: "move to a supported Python and train the model anew there, or serve the model as data in a container without Python"}
	if !r.span.mayReach(version{3, 8}) {
		f.Problem = "this Python is no longer offered by conda-forge: the image does not build"
		e.add(f)
		return
	}
	for _, p := range endOfLife {
		if r.span.mayReach(version{3, p.minor + 1}) {
			continue
		}
		if e.today.After(p.day) {
			f.Problem = fmt.Sprintf("Python 3.%d has had no fixes since %s; packages that a server needs are no longer published for it", p.minor, p.day.Format("January 2006"))
			f.Warning = p.minor > 8
			e.add(f)
		}
		return
	}
}

// numpyTwo lists from which release on packages work with NumPy 2.
var numpyTwo = map[string]version{"scikit-learn": {1, 4, 2}, "pandas": {2, 2, 2}, "scipy": {1, 13}, "xgboost": {2, 1}}

// together looks for packages that do not go with each other.
func (e *examination) together(env *environment, old bool) {
	for _, r := range env.twice {
		e.add(Finding{Cause: Versions, File: r.file, Line: r.line, Field: r.name + r.spec, Problem: r.name + " is asked for twice, with different versions", Mend: "keep one of the two lines"})
	}
	numpy, pinned := env.packages["numpy"]
	if old || pinned && !numpy.span.mayReach(version{2, 0}) {
		return // NumPy 2 was never published for old Pythons
	}
	for _, name := range []string{"scikit-learn", "pandas", "scipy", "xgboost"} {
		r, ok := env.packages[name]
		if !ok || r.span.mayReach(numpyTwo[name]) {
			continue
		}
		f := Finding{Cause: Versions, File: r.file, Line: r.line, Field: name + r.spec, Problem: "this " + name + " was built for NumPy 1, and nothing here keeps NumPy below 2: its import fails", Mend: "add numpy<2"}
		f.Warning = !pinned // older packages may say so themselves
		e.add(f)
	}
}

// model looks whether the environment is the one that the model was saved in.
func (e *examination) model(env *environment, m *modelFolder) {
	check := func(name string, saved version, what string) {
		r, ok := env.packages[name]
		if saved == nil || !ok {
			return
		}
		if name == "python" {
			saved = saved[:min(2, len(saved))]
			if r.span.has(saved) || r.span.low != nil && r.span.low[:min(2, len(r.span.low))].compare(saved) == 0 {
				return
			}
		} else if r.span.has(saved) {
			return
		}
		e.add(Finding{Cause: Versions, File: r.file, Line: r.line, Field: name + r.spec, Problem: fmt.Sprintf("%s says that the model was saved with %s %s: %s", m.file, name, saved, what), Mend: fmt.Sprintf("write %s==%s", name, saved)})
	}
	if m.pickle {
		check("scikit-learn", m.sklearn, "a pickle does not open, or answers otherwise, in another release")
		check("python", m.python, "a pickle of functions does not open in another Python")
	}
	if m.pickle && m.sklearn != nil {
		if _, ok := env.packages["scikit-learn"]; !ok {
			e.add(Finding{Cause: Versions, File: env.file, Field: "scikit-learn", Problem: "the model is a pickle of scikit-learn " + m.sklearn.String() + ", and nothing here installs scikit-learn", Mend: "add scikit-learn==" + m.sklearn.String()})
		}
	}
}
