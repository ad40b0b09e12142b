// Package insights sends OpenTelemetry's spans and metrics to Azure Monitor's
// Application Insights, as the items its ingestion endpoint takes (/v2.1/track).
package insights

import (
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Variable is the environment variable that holds the connection string, as Azure's
// portal shows it and as Azure's services set it.
const Variable = "APPLICATIONINSIGHTS_CONNECTION_STRING"

// Connection is where items go.
type Connection struct {
	Key   string // the instrumentation key: which resource items belong to
	Track string // address that takes items
}

// ParseConnection reads a connection string: key=value pairs parted by semicolons,
// of which InstrumentationKey must be there. Without IngestionEndpoint items go to
// the global one, or to that of EndpointSuffix and Location. A fault is of kind
// Usage and does not tell the key.
func ParseConnection(text string) (Connection, error) {
	parts := map[string]string{}
	for pair := range strings.SplitSeq(text, ";") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return Connection{}, errs.New(errs.Usage, "%s is key=value pairs parted by semicolons; one of them has no =", Variable)
		}
		parts[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
	}
	if parts["instrumentationkey"] == "" {
		return Connection{}, errs.New(errs.Usage, "%s has no InstrumentationKey; copy the whole string from the resource's overview", Variable)
	}
	if a := parts["authorization"]; a != "" && !strings.EqualFold(a, "ikey") {
		return Connection{}, errs.New(errs.Usage, "%s wants Authorization=%s; only ikey is known: allow local authentication for the resource", Variable, a)
	}
	host := parts["ingestionendpoint"]
	switch suffix := parts["endpointsuffix"]; {
	case host != "":
	case suffix == "":
		host = "https://dc.services.visualstudio.com"
	case parts["location"] != "":
		host = "https://" + parts["location"] + ".dc." + suffix
	default:
		host = "https://dc." + suffix
	}
	u, err := url.Parse(host)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return Connection{}, errs.New(errs.Usage, "%s: the IngestionEndpoint %q is no address like https://westeurope-5.in.applicationinsights.azure.com/", Variable, host)
	}
	return Connection{Key: parts["instrumentationkey"], Track: strings.TrimRight(u.String(), "/") + "/v2.1/track"}, nil
}
