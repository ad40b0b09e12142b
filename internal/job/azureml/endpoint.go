package azureml

import (
	"maps"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Endpoint is what PUT …/onlineEndpoints/NAME takes, of a managed or a Kubernetes
// online endpoint. The location is added when it is sent, if the file names none.
type Endpoint struct {
	Name       string
	Kubernetes bool
	Body       map[string]any   // location, identity, tags and properties, without traffic
	Traffic    map[string]int32 // percent by deployment, as the file says; nil when it says nothing
	Mirror     map[string]int32 // percent of mirrored traffic by deployment, likewise
}

// OnlineEndpoint turns an online endpoint into its REST body, and returns what the
// linter has to say besides. Faults of the file are of kind Invalid, other kinds of
// documents Unsupported.
func OnlineEndpoint(d *job.Document) (Endpoint, []job.Problem, error) {
	problems := d.Check()
	if err := problems.Err(); err != nil {
		return Endpoint{}, nil, err
	}
	if d.Kind != job.KindOnlineEndpoint && d.Kind != job.KindKubeEndpoint {
		return Endpoint{}, nil, errs.New(errs.Unsupported, "%s: a %s is no online endpoint", d.File, d.Kind)
	}
	root, err := fields(d)
	if err != nil {
		return Endpoint{}, nil, err
	}
	e := Endpoint{Name: text(root["name"]), Kubernetes: d.Kind == job.KindKubeEndpoint, Traffic: shares(root["traffic"]), Mirror: shares(root["mirror_traffic"])}
	modes := map[string]string{"": "Key", "key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
	p := map[string]any{"authMode": modes[plainEnum(root["auth_mode"])], "properties": textMap(root["properties"])}
	put(p, "description", root["description"])
	if s := text(root["public_network_access"]); s != "" {
		p["publicNetworkAccess"] = capital(s)
	}
	if e.Kubernetes {
		put(p, "compute", reference(root["compute"]))
	}
	e.Body = map[string]any{"properties": p, "tags": textMap(root["tags"])}
	put(e.Body, "location", root["location"])
	put(e.Body, "identity", resourceIdentity(mapOf(root["identity"])))
	return e, problems.Warnings(), nil
}

// plainEnum is an enumerated value without regard to case and underscores.
func plainEnum(v any) string { return strings.ToLower(strings.ReplaceAll(text(v), "_", "")) }

func shares(v any) map[string]int32 {
	var out map[string]int32
	for name, share := range mapOf(v) {
		if out == nil {
			out = map[string]int32{}
		}
		if n, ok := share.(int64); ok {
			out[name] = int32(n)
		}
	}
	return out
}

// textMap is a map with its values as text, which is what tags and variables are.
func textMap(v any) map[string]any {
	out := map[string]any{}
	for name, one := range mapOf(v) {
		out[name] = literal(one)
	}
	return out
}

// resourceIdentity writes the managed identity of an endpoint.
func resourceIdentity(m map[string]any) map[string]any {
	if plainEnum(m["type"]) == "userassigned" {
		own := map[string]any{}
		for _, v := range several(m["user_assigned_identities"]) {
			id := text(mapOf(v)["resource_id"])
			if id == "" {
				id = text(v)
			}
			if id != "" {
				own[id] = map[string]any{}
			}
		}
		return map[string]any{"type": "UserAssigned", "userAssignedIdentities": own}
	}
	return map[string]any{"type": "SystemAssigned"} // as az ml does: it pulls images and models by it
}

// WithTraffic is the body with the traffic that the file names.
func (e Endpoint) WithTraffic() map[string]any {
	body, p := maps.Clone(e.Body), maps.Clone(mapOf(e.Body["properties"]))
	if e.Traffic != nil {
		p["traffic"] = e.Traffic
	}
	if e.Mirror != nil {
		p["mirrorTraffic"] = e.Mirror
	}
	body["properties"] = p
	return body
}
