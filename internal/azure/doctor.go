package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/drivecast/drivecast/errs"
)

// Finding is one thing that Examine looked at.
type Finding struct {
	Check  string `json:"check"`          // login, subscription, resource group, workspace, quota or rights
	OK     bool   `json:"ok"`             // false needs mending
	Detail string `json:"detail"`         // what was seen
	Mend   string `json:"mend,omitempty"` // what to do when it is not ok
}

// Examine looks at what jobs need, in the order in which it matters, and stops
// where nothing further can be seen: the login, the subscription, the group, the
// workspace, the quota of its region, and whether the principal may do more than
// it needs.
func (c *Client) Examine(ctx context.Context) []Finding {
	token, err := c.cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{c.scope()}})
	if err != nil {
		return []Finding{{Check: "login", Detail: firstLine(failed(err, "log in")).Error(), Mend: "set AZURE_CREDENTIALS or the AZURE_* variables, or run az login"}}
	}
	out := []Finding{{Check: "login", OK: true, Detail: "a token until " + token.ExpiresOn.UTC().Format("15:04 MST")}}
	group := "/subscriptions/" + c.at.Subscription + "/resourceGroups/" + c.at.Group
	for _, look := range []struct{ check, path, version, mend string }{
		{"subscription", "/subscriptions/" + c.at.Subscription, "2022-12-01", "check --subscription; the principal needs a role in it"},
		{"resource group", group, "2022-09-01", "check --resource-group, or make it: az group create"},
	} {
		if _, err := c.resource(ctx, look.path, look.version); err != nil {
			return append(out, Finding{Check: look.check, Detail: err.Error(), Mend: look.mend})
		}
		out = append(out, Finding{Check: look.check, OK: true, Detail: look.path})
	}
	ws, err := c.factory.NewWorkspacesClient().Get(ctx, c.at.Group, c.at.Name, nil)
	if err != nil {
		return append(out, Finding{Check: "workspace", Detail: failed(err, "workspace %s", c.at.Name).Error(), Mend: "check --workspace-name, or make it: az ml workspace create"})
	}
	out = append(out, Finding{Check: "workspace", OK: true, Detail: c.at.Name + " in " + deref(ws.Location)})
	return append(out, c.quota(ctx, deref(ws.Location)), c.rights(ctx))
}

// resource reads something of Azure that is not Azure ML's.
func (c *Client) resource(ctx context.Context, path, version string) ([]byte, error) {
	req, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(c.arm.Endpoint(), path))
	if err != nil {
		return nil, errs.Wrap(err, "ask for %s", path)
	}
	query := req.Raw().URL.Query()
	query.Set("api-version", version)
	req.Raw().URL.RawQuery = query.Encode()
	resp, err := c.arm.Pipeline().Do(req)
	if err != nil {
		return nil, failed(err, "ask for %s", path)
	}
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return nil, failed(runtime.NewResponseError(resp), "ask for %s", path)
	}
	text, err := runtime.Payload(resp)
	return text, errs.Wrap(err, "read %s", path)
}

// quota tells how many cores the region has left for clusters.
func (c *Client) quota(ctx context.Context, region string) Finding {
	f := Finding{Check: "quota", Mend: "ask for quota: portal, Azure ML, Quota, " + region}
	pages := c.factory.NewUsagesClient().NewListPager(region, nil)
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			f.Detail = failed(err, "quota of %s", region).Error()
			return f
		}
		for _, u := range page.Value {
			if u.Name == nil || !strings.Contains(deref(u.Name.Value), "Total Cluster") {
				continue
			}
			left := deref(u.Limit) - deref(u.CurrentValue)
			f.Detail = strings.TrimPrefix(fmt.Sprintf("%s; %s: %d of %d left", f.Detail, deref(u.Name.Value), left, deref(u.Limit)), "; ")
			f.OK = f.OK || left > 0
		}
	}
	if f.Detail == "" {
		f.Detail = "the region names no quota of clusters"
	}
	if f.OK {
		f.Mend = ""
	}
	return f
}

// rights compares what the principal may do with what jobs need.
func (c *Client) rights(ctx context.Context) Finding {
	f := Finding{Check: "rights", Mend: "give it the role AzureML Data Scientist on the workspace alone, and take the wider role away"}
	text, err := c.resource(ctx, c.at.Path()+"/providers/Microsoft.Authorization/permissions", "2022-04-01")
	if err != nil {
		f.Detail = err.Error()
		return f
	}
	var list struct {
		Value []struct{ Actions, NotActions []string }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		f.Detail = "the permissions are no JSON"
		return f
	}
	var jobs bool
	var wide []string
	for _, p := range list.Value {
		for _, action := range p.Actions {
			switch {
			case action == "*" || strings.HasPrefix(action, "Microsoft.Authorization/") && !strings.HasSuffix(action, "/read"):
				wide, jobs = append(wide, action), jobs || action == "*"
			case strings.HasPrefix(action, "Microsoft.MachineLearningServices/"):
				jobs = true
			}
		}
	}
	switch {
	case !jobs:
		f.Detail, f.Mend = "it may not make jobs", "give it the role AzureML Data Scientist on the workspace"
	case len(wide) > 0:
		f.Detail = "it may do more than jobs need: " + strings.Join(wide, ", ")
	default:
		f.OK, f.Detail, f.Mend = true, "jobs, and nothing beyond Azure ML", ""
	}
	return f
}
