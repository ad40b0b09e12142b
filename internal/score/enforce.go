package score

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// rows turns the request's table into rows of the estimator's columns, as MLflow
// does: columns are cast to the signature's types, missing ones refused, extra
// ones dropped, the rest put in order. dst is reused.
func (p *plan) rows(q *request, dst []float64) ([]float64, *fault) {
	f := &q.frame
	if bad := p.shape(q); bad != nil {
		return nil, bad
	}
	if f.rows == 0 && q.form != formParquet { // whose columns have types even so
		return nil, evaluation(errNoRows)
	}
	if cap(dst) < f.rows*p.n {
		dst = make([]float64, f.rows*p.n)
	}
	dst = dst[:f.rows*p.n]
	for j := range p.n {
		c := p.source(f, j)
		if c == nil || p.unused(j) {
			for r := range f.rows {
				dst[r*p.n+j] = math.NaN()
			}
			continue
		}
		if bad := p.cast(q, j, c); bad != nil {
			return nil, bad
		}
		for r, v := range c.nums {
			dst[r*p.n+j] = v
		}
	}
	if f.rows == 0 {
		return nil, evaluation(errNoRows)
	}
	if err := p.m.Refuses(dst); err != nil {
		return nil, evaluation(err)
	}
	return dst, nil
}

// shape checks the names and the number of columns, and the length of each.
func (p *plan) shape(q *request) *fault {
	f := &q.frame
	if q.form == formInstances && f.gaps {
		return invalidInput("The length of values for each input/column name are not the same")
	}
	if !f.byName && f.ragged && (q.form == formInstances || q.form == formInputs) {
		return invalidInput(fmt.Sprintf("setting an array element with a sequence. The requested array has an inhomogeneous shape after 1 dimensions. The detected shape was (%d,) + inhomogeneous part.", f.rows))
	}
	if f.dict && f.ragged {
		if p.sig == nil || p.tensor != nil || mlfolder.Names(p.sig.Inputs) == nil {
			return evaluation(errs.New(errs.Invalid, "columns differ in length"))
		}
		return enforcement(q, p.sig, "This model contains a column-based signature, which suggests a DataFrame input. There was an error casting the input data to a DataFrame: All arrays must be of the same length")
	}
	if p.sig != nil && p.tensor == nil {
		return p.named(q)
	}
	return p.positional(q)
}

// named checks the columns against a signature of columns.
func (p *plan) named(q *request) *fault {
	f := &q.frame
	all := p.sig.Inputs
	if mlfolder.Names(all) == nil {
		if f.byName && (q.form == formInputs && f.dict) {
			return invalidInput("Failed to parse input data. This model contains an un-named  model signature which expects a single n-dimensional array or a single value as input, however, an input of type <class 'dict'> was found.")
		}
		if len(f.cols) < len(all) {
			return enforcement(q, p.sig, fmt.Sprintf("Model inference is missing inputs. The model signature declares %d inputs  but the provided value only has %d inputs. Note: the inputs were not named in the signature so we can only verify their count.", len(all), len(f.cols)))
		}
		return p.narrowed(q)
	}
	if !f.byName && len(all) == 1 && f.scalar && q.form != formSplit && q.form != formRecords {
		return nil // a list of values for the one column
	}
	var missing, extra []string
	for j := range all {
		if all[j].Optional || f.byName && (f.find(all[j].Name, j) != nil || j < p.n && p.source(f, j) != nil) {
			continue
		}
		missing = append(missing, pythonQuote(all[j].Name))
	}
	if missing == nil {
		return nil
	}
	for j := range f.cols {
		name := strconv.Itoa(j)
		if f.byName {
			if p.declared(f.cols[j].name) {
				continue
			}
			name = pythonQuote(f.cols[j].name)
		}
		extra = append(extra, name)
	}
	reason := "Model is missing inputs [" + strings.Join(missing, ", ") + "]."
	if extra != nil {
		reason += " Note that there were extra inputs: [" + strings.Join(extra, ", ") + "]."
	}
	return enforcement(q, p.sig, reason)
}

// narrowed refuses an array for a signature without names whose first column is
// wider than a later one: MLflow reads the whole array as the first one's type.
func (p *plan) narrowed(q *request) *fault {
	all := p.sig.Inputs
	if q.form != formInstances && q.form != formInputs || q.frame.byName {
		return nil
	}
	for j := range all {
		if widths[all[j].Type] < widths[all[0].Type] {
			return enforcement(q, p.sig, fmt.Sprintf("Incompatible input types for column %d. Can not safely convert %s to %s.", j, numpyNames[all[0].Type], numpyNames[all[j].Type]))
		}
	}
	return nil
}

// widths orders the numeric types by what they can hold.
var widths = map[string]int{mlfolder.Boolean: 1, mlfolder.Integer: 2, mlfolder.Long: 3, mlfolder.Float: 4, mlfolder.Double: 5}

func (p *plan) declared(name string) bool {
	for i := range p.sig.Inputs {
		if p.sig.Inputs[i].Name == name {
			return true
		}
	}
	return false
}

// tensorShape checks the columns against a signature of one unnamed tensor.
func (p *plan) tensorShape(q *request, shape string) *fault {
	f, want := &q.frame, p.tensor.Tensor.Shape
	frameForm := q.form == formSplit || q.form == formRecords || q.form == formCSV || q.form == formParquet
	kind := "dict"
	if !f.dict {
		kind = "list"
	}
	switch {
	case q.form == formInputs && f.dict:
		return invalidInput("Failed to parse input data. This model contains an un-named  model signature which expects a single n-dimensional array or a single value as input, however, an input of type <class 'dict'> was found.")
	case !frameForm && f.byName:
		if q.form == formInstances {
			kind = "dict"
		}
		return enforcement(q, p.sig, "This model contains a tensor-based model signature with no input names, which suggests a numpy array input or a pandas dataframe input with proper column values, but an input of type <class '"+kind+"'> was found.")
	case frameForm && f.rows == 0:
		return enforcement(q, p.sig, "Input DataFrame is empty.")
	case frameForm && len(f.cols) > 1 && (len(want) != 2 || want[1] != len(f.cols)):
		return enforcement(q, p.sig, fmt.Sprintf("This model contains a model signature with an unnamed input. Since the input data is a pandas DataFrame containing multiple columns, the input shape must be of the structure (-1, number_of_dataframe_columns). Instead, the input DataFrame passed had %d columns and an input shape of %s with all values within the DataFrame of scalar type. Please adjust the passed in DataFrame to match the expected structure", len(f.cols), pythonShape(want)))
	case len(want) != strings.Count(shape, ",")+btoi(!strings.HasSuffix(shape, ",)")) || len(want) == 2 && want[1] >= 0 && want[1] != len(f.cols):
		return enforcement(q, p.sig, "Shape of input "+shape+" does not match expected shape "+pythonShape(want)+".")
	}
	if have := f.commonType(); have != "" && have != p.tensor.Tensor.DType {
		return enforcement(q, p.sig, "dtype of input "+have+" does not match expected dtype "+p.tensor.Tensor.DType)
	}
	return nil
}

// positional checks the columns where there is no signature of columns: by the
// estimator's own names, else by their number.
func (p *plan) positional(q *request) *fault {
	f := &q.frame
	if f.byName && p.names != nil && p.tensor == nil {
		for j, name := range p.names {
			if p.source(f, j) == nil && !p.unused(j) {
				return evaluation(&errs.Input{Column: name, Problem: "the model needs this column and the input lacks it", Mend: "the model takes " + pythonList(p.names)})
			}
		}
		return nil
	}
	shape := fmt.Sprintf("(%d, %d)", f.rows, len(f.cols))
	if f.scalar && !f.byName && q.form != formSplit && q.form != formRecords {
		shape = fmt.Sprintf("(%d,)", f.rows)
	}
	if p.tensor != nil {
		if bad := p.tensorShape(q, shape); bad != nil {
			return bad
		}
	}
	if len(f.cols) != p.n || strings.HasSuffix(shape, ",)") && p.n != 1 {
		return evaluation(errs.New(errs.Invalid, "the input has the shape %s, the model takes rows of %d columns", shape, p.n))
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func pythonShape(shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.Itoa(n)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// schemaText prints input fields as MLflow prints a schema.
func schemaText(fields []mlfolder.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		need := "required"
		if f.Optional {
			need = "optional"
		}
		switch {
		case f.Tensor != nil && f.Name == "":
			parts[i] = "Tensor('" + f.Tensor.DType + "', " + pythonShape(f.Tensor.Shape) + ")"
		case f.Tensor != nil:
			parts[i] = pythonQuote(f.Name) + ": Tensor('" + f.Tensor.DType + "', " + pythonShape(f.Tensor.Shape) + ")"
		case f.Name == "":
			parts[i] = f.Type + " (" + need + ")"
		default:
			parts[i] = pythonQuote(f.Name) + ": " + f.Type + " (" + need + ")"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

const summaryRows = 3

// summary prints the first rows of a table for an error message.
func summary(f *frame) string {
	var b strings.Builder
	for j := range f.cols {
		if f.byName {
			fmt.Fprintf(&b, " %s", f.cols[j].name)
		} else {
			fmt.Fprintf(&b, " %d", j)
		}
	}
	for r := range min(f.rows, summaryRows) {
		fmt.Fprintf(&b, "\n%d ", r)
		for j := range f.cols {
			c := &f.cols[j]
			switch {
			case r >= len(c.nums):
			case c.texts != nil && c.texts[r] != "":
				b.WriteString(" " + c.texts[r])
			default:
				b.WriteString(" " + string(appendFloat(nil, c.nums[r])))
			}
		}
	}
	if f.rows > summaryRows {
		fmt.Fprintf(&b, "\n…\n[%d rows x %d columns]", f.rows, len(f.cols))
	}
	return b.String()
}
