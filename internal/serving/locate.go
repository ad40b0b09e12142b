package serving

import (
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Locate reads the name of a model that a registry or run holds: a models:/ or runs:/
// URI, or an http(s) address that names one, as these do:
//
//	http://server:5000/models/NAME@ALIAS         http://server:5000/models/NAME/VERSION
//	http://server:5000/models:/NAME@ALIAS        http://server:5000/runs:/RUN_ID/model
//	http://server:5000/#/models/NAME             http://server:5000/#/models/NAME/versions/3
//	http://server:5000/#/experiments/1/runs/RUN_ID/artifacts/model
//
// The last two are what a browser shows. It returns the models:/ or runs:/ URI, and the
// address of the server, "" when the name has none.
func Locate(name string) (uri, server string, err error) {
	if !isAddress(name) {
		return name, "", nil
	}
	u, err := url.Parse(name)
	if err != nil || u.Host == "" {
		return "", "", errs.New(errs.Usage, "%q is no address of a server", name)
	}
	base, rest := u.Path, ""
	if at := strings.TrimPrefix(u.Fragment, "/"); at != "" {
		rest, _, _ = strings.Cut(at, "?")
	} else {
		for _, mark := range []string{"/models:/", "/runs:/", "/models/", "/runs/"} {
			if i := strings.LastIndex(base, mark); i >= 0 {
				base, rest = base[:i], base[i+1:]
				break
			}
		}
	}
	if uri = reference(rest); uri == "" {
		return "", "", errs.New(errs.Usage, "%q names no model; write like http://server:5000/models/NAME@ALIAS, /models/NAME/VERSION or /runs/RUN_ID/model", name)
	}
	u.Path, u.RawPath, u.Fragment, u.RawFragment, u.RawQuery = strings.TrimRight(base, "/"), "", "", "", ""
	return uri, u.String(), nil
}

// reference turns the part of an address that names a model into a URI, "" when it names
// none.
func reference(rest string) string {
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	switch kind := strings.TrimSuffix(parts[0], ":"); {
	case kind == "experiments" && len(parts) > 3 && parts[2] == "runs":
		return reference(strings.Join(parts[2:], "/"))
	case len(parts) < 2 || parts[1] == "":
		return ""
	case kind == "runs":
		path := parts[2:]
		if len(path) > 0 && (path[0] == "artifacts" || path[0] == "artifactPath") {
			path = path[1:]
		}
		if len(path) == 0 {
			return ""
		}
		return "runs:/" + parts[1] + "/" + strings.Join(path, "/")
	case kind != "models":
		return ""
	case len(parts) == 2 && strings.Contains(parts[1], "@"):
		return "models:/" + parts[1]
	case len(parts) == 2:
		return "models:/" + parts[1] + "/latest"
	case len(parts) == 3:
		return "models:/" + parts[1] + "/" + parts[2]
	case len(parts) == 4 && (parts[2] == "versions" || parts[2] == "version"):
		return "models:/" + parts[1] + "/" + parts[3]
	}
	return ""
}

func isAddress(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// IsURI reports whether the text names a model of a registry or run rather than a
// path.
func IsURI(s string) bool {
	return strings.HasPrefix(s, "models:/") || strings.HasPrefix(s, "runs:/") || isAddress(s)
}

// trusted returns the environment for requests to a server that a model's address
// names: credentials are for the server in MLFLOW_TRACKING_URI when that is another.
func (e Env) trusted(server string) func(string) string {
	known, err := url.Parse(e.Getenv("MLFLOW_TRACKING_URI"))
	asked, bad := url.Parse(server)
	if err != nil || bad != nil || known.Host == "" || known.Host == asked.Host && known.Scheme == asked.Scheme {
		return e.Getenv
	}
	return func(string) string { return "" }
}
