package score

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// fault is an answer that is not a prediction.
type fault struct {
	status  int
	code    string // MLflow's error_code; "" for a plain text answer
	message string
	detail  string // goes where MLflow puts its stack trace
}

// Error returns the message.
func (f *fault) Error() string { return f.message }

const (
	codeBadRequest = "BAD_REQUEST"
	codeInvalid    = "INVALID_PARAMETER_VALUE"
	codeInternal   = "INTERNAL_ERROR"
	codeNotFound   = "RESOURCE_DOES_NOT_EXIST"
	codeBusy       = "REQUEST_LIMIT_EXCEEDED"
)

const requiredFormat = "The input must be a JSON dictionary with exactly one of the input fields " +
	"{'dataframe_records', 'dataframe_split', 'inputs', 'instances'}"

// protocolChange is the hint that MLflow gives to clients of its 1.x protocol.
const protocolChange = "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are" +
	" seeing this error, you are likely using an outdated scoring request format. To resolve the" +
	" error, either update your request format or adjust your MLflow Model's requirements file to" +
	" specify an older version of MLflow (for example, change the 'mlflow' requirement specifier" +
	" to 'mlflow==1.30.0'). If you are making a request using the MLflow client" +
	" (e.g. via `mlflow.pyfunc.spark_udf()`), upgrade your MLflow client to a version >= 2.0 in" +
	" order to use the new request format. For more information about the updated MLflow" +
	" Model scoring protocol in MLflow 2.0, see" +
	" https://mlflow.org/docs/latest/models.html#deploy-mlflow-models."

const unexpected = "Encountered an unexpected error while evaluating the model. Verify" +
	" that the serialized input Dataframe is compatible with the model for inference."

func badRequest(message string) *fault {
	return &fault{http.StatusBadRequest, codeBadRequest, message, ""}
}

func invalidInput(message string) *fault { return badRequest("Invalid input. " + message) }

func notJSON(err error, body []byte) *fault {
	var se *syntaxError
	name := "JSONDecodeError"
	if !errors.As(err, &se) {
		name = "ValueError"
	}
	return invalidInput("Ensure that input is a valid JSON formatted string. Error: '" + name + "(" + pythonQuote(err.Error()) +
		")'\nInput: \n" + excerpt(body) + "\n")
}

// evaluation is what MLflow answers when the model itself refuses the input; the
// reason is in detail.
func evaluation(err error) *fault {
	return &fault{http.StatusBadRequest, codeBadRequest, unexpected, err.Error()}
}

// enforcement is what MLflow answers when the input does not fit the signature.
func enforcement(q *request, sig *mlfolder.Signature, reason string) *fault {
	data := summary(&q.frame)
	return &fault{http.StatusBadRequest, codeInvalid, "Failed to predict data '" + data + "'. \nError: Failed to enforce schema of data '" + data +
		"' with schema '" + schemaText(sig.Inputs) + "'. Error: " + reason, ""}
}

// statusOf translates kinds of error to HTTP.
func statusOf(err error) (int, string) {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Usage, errs.Unsupported:
		return http.StatusBadRequest, codeBadRequest
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge, codeInvalid
	case errs.Exhausted:
		return http.StatusTooManyRequests, codeBusy
	case errs.Unavailable, errs.Canceled:
		return http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE"
	}
	return http.StatusInternalServerError, codeInternal
}

// write sends the fault.
func (f *fault) write(w http.ResponseWriter) {
	if f.code == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.status)
		_, _ = w.Write([]byte(f.message))
		return
	}
	body := marshal(struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
		Detail  string `json:"stack_trace,omitempty"`
	}{f.code, f.message, f.detail})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write(mlfolder.Spaced(body))
}

// marshal encodes v, which is made of texts, without HTML's escapes.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts always have an encoding
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

const excerptSize = 300

// excerpt prints the beginning of a body as Python prints bytes.
func excerpt(b []byte) string {
	tail := ""
	if len(b) > excerptSize {
		b, tail = b[:excerptSize], "…"
	}
	return "b" + pythonQuote(strings.ToValidUTF8(string(b), "?")) + tail
}

// pythonQuote returns s as Python's repr prints it.
func pythonQuote(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, quote, `\`+quote)
	return quote + r.Replace(s) + quote
}

func pythonItems(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = pythonQuote(s)
	}
	return strings.Join(quoted, ", ")
}

func pythonList(items []string) string { return "[" + pythonItems(items) + "]" }

func pythonSet(items []string) string {
	if len(items) == 0 {
		return "set()"
	}
	return "{" + pythonItems(items) + "}"
}
