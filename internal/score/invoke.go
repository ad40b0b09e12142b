package score

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"
)

const (
	typeJSON    = "application/json"
	typeCSV     = "text/csv"
	typeParquet = "application/vnd.apache.parquet"
)

// invoke answers POST /invocations.
func (p *plan) invoke(k *work, contentType string) *fault {
	kind := typeJSON
	if contentType != typeJSON {
		var bad *fault
		if kind, bad = mediaType(contentType); bad != nil {
			return bad
		}
	}
	q := &k.req
	if bad := p.parse(k, kind); bad != nil {
		return bad
	}
	opt, bad := p.options(q)
	if bad != nil {
		return bad
	}
	x, bad := p.rows(q, k.ans.x)
	if bad != nil {
		return bad
	}
	k.ans.x = x
	p.ask(&k.ans, q.frame.rows)
	if opt.explain {
		if err := p.explain(&k.ans, q.frame.rows); err != nil {
			return evaluation(err)
		}
	}
	k.out = p.predictions(k.out[:0], &k.ans, q.frame.rows, opt)
	return nil
}

// parse reads a body of the given type.
func (p *plan) parse(k *work, kind string) *fault {
	q, body := &k.req, k.body
	switch kind {
	case typeCSV:
		return q.parseCSV(body, p)
	case typeParquet:
		if p.parquet == nil {
			return &fault{http.StatusUnsupportedMediaType, "", "This program is built without Parquet: send " + typeJSON + " or " + typeCSV + ", or use drivecast serve.", ""}
		}
		return q.parseParquet(k, p)
	}
	if !utf8.Valid(body) {
		return invalidInput("Ensure that input is a valid JSON formatted string. Error: 'UnicodeDecodeError(\"'utf-8' codec can't decode the body\")'\nInput: \n" + excerpt(body) + "\n")
	}
	return q.parse(bytes.TrimPrefix(body, []byte("\ufeff")))
}

// mediaType returns the type of body that a Content-Type header names, or
// MLflow's refusal.
func mediaType(header string) (string, *fault) {
	plain := func(text string) *fault { return &fault{http.StatusUnsupportedMediaType, "", text, ""} }
	parts := strings.Split(header, ";")
	kind := strings.TrimSpace(parts[0])
	charset := "utf-8"
	var odd []string
	for _, part := range parts[1:] {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if key == "charset" {
			charset = strings.ToLower(value)
		} else {
			odd = append(odd, key)
		}
	}
	switch {
	case charset != "utf-8":
		return "", plain("The scoring server only supports UTF-8")
	case odd != nil:
		return "", plain("Unrecognized content type parameters: " + strings.Join(odd, ", ") + ". " + protocolChange)
	case kind == typeJSON || kind == typeCSV || kind == typeParquet:
		return kind, nil
	}
	return "", plain("This predictor only supports the following content types: Types: ['" + typeCSV + "', '" + typeJSON + "', '" + typeParquet + "']. Got '" + header + "'.")
}
