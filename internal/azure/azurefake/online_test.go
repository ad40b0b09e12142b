package azurefake_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/internal/azure/azurefake"
)

// containerEnv names, in a process of this test, the container that it is.
const containerEnv = "DRIVECAST_TEST_CONTAINER"

func TestMain(m *testing.M) {
	if name := os.Getenv(containerEnv); name != "" {
		fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), container(name)))
		return
	}
	os.Exit(m.Run())
}

// container answers with its name; "slow" and "bad" in a request make it so, and
// "copy" is counted.
func container(name string) http.Handler {
	var mu sync.Mutex
	copies := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch text := string(body); {
		case r.URL.Path == "/up":
		case r.URL.Path == "/copies":
			mu.Lock()
			fmt.Fprint(w, copies)
			mu.Unlock()
		case r.Header.Get("Authorization") != "":
			http.Error(w, "the key reached the container", http.StatusInternalServerError)
		case r.URL.Path != "/v1/predict":
			http.NotFound(w, r)
		case text == "slow":
			time.Sleep(2 * time.Second)
		case text == "bad":
			http.Error(w, "no such column", http.StatusBadRequest)
		default:
			if text == "copy" {
				mu.Lock()
				copies++
				mu.Unlock()
			}
			fmt.Fprint(w, name)
		}
	})
}

// plane is a control plane over TLS, and the official clients of it.
type plane struct {
	t           *testing.T
	http        *http.Client
	endpoints   *arm.OnlineEndpointsClient
	deployments *arm.OnlineDeploymentsClient
	factory     *arm.ClientFactory
	stop        func()
}

func newPlane(t *testing.T, dir string) *plane {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var s *azurefake.Server
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handler().ServeHTTP(w, r) }))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	containers := map[string]string{}
	for _, name := range []string{"one", "two"} {
		containers["reg/"+name+":1"] = containerEnv + "=" + name + " " + self
	}
	if s, err = azurefake.New(azurefake.Options{Dir: dir, URL: server.URL, Step: 5 * time.Millisecond, Environ: os.Environ(), Containers: containers, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	p := &plane{t: t, http: server.Client()}
	p.stop = sync.OnceFunc(func() { cancel(); <-done; server.Close() })
	t.Cleanup(p.stop)
	options := policy.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: -1}, Cloud: cloud.Configuration{
		ActiveDirectoryAuthorityHost: server.URL, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: server.URL, Audience: server.URL}},
	}}
	cred, err := azidentity.NewClientSecretCredential(azurefake.Tenant, azurefake.Client, s.Secret(), &azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	if p.factory, err = arm.NewClientFactory("S", cred, &azarm.ClientOptions{ClientOptions: options, DisableRPRegistration: true}); err != nil {
		t.Fatal(err)
	}
	p.endpoints, p.deployments = p.factory.NewOnlineEndpointsClient(), p.factory.NewOnlineDeploymentsClient()
	return p
}

// done follows a long action as the SDK does, but without its second of pause.
func done[T any](p *plane, poller *runtime.Poller[T], err error) (T, error) {
	p.t.Helper()
	var none T
	if err != nil {
		return none, err
	}
	for end := time.Now().Add(time.Minute); !poller.Done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("the action does not end")
		}
		if _, err := poller.Poll(p.t.Context()); err != nil {
			return none, err
		}
	}
	return poller.Result(p.t.Context())
}

func (p *plane) put(traffic, mirror map[string]*int32, auth arm.EndpointAuthMode) (arm.OnlineEndpoint, error) {
	poller, err := p.endpoints.BeginCreateOrUpdate(p.t.Context(), "G", "W", "drives", arm.OnlineEndpoint{Location: to.Ptr("local"),
		Properties: &arm.OnlineEndpointProperties{AuthMode: &auth, Traffic: traffic, MirrorTraffic: mirror}}, nil)
	out, err := done(p, poller, err)
	return out.OnlineEndpoint, err
}

// deploy makes a deployment of a container that listens on port 80.
func (p *plane) deploy(name string, change func(*arm.ManagedOnlineDeployment)) error {
	p.t.Helper()
	route := func(path string) *arm.Route { return &arm.Route{Path: &path, Port: to.Ptr(int32(80))} }
	env, err := p.factory.NewEnvironmentVersionsClient().CreateOrUpdate(p.t.Context(), "G", "W", name, "1", arm.EnvironmentVersion{Properties: &arm.EnvironmentVersionProperties{
		Image: to.Ptr("reg/" + name + ":1"), InferenceConfig: &arm.InferenceContainerProperties{LivenessRoute: route("/up"), ReadinessRoute: route("/up"), ScoringRoute: route("/v1/predict")},
	}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	d := &arm.ManagedOnlineDeployment{EndpointComputeType: to.Ptr(arm.EndpointComputeTypeManaged), EnvironmentID: env.ID, InstanceType: to.Ptr("Standard_DS2_v2")}
	if change != nil {
		change(d)
	}
	poller, err := p.deployments.BeginCreateOrUpdate(p.t.Context(), "G", "W", "drives", name, arm.OnlineDeployment{Location: to.Ptr("local"), Properties: d,
		SKU: &arm.SKU{Name: to.Ptr("Default"), Capacity: to.Ptr(int32(1))}}, nil)
	_, err = done(p, poller, err)
	return err
}

func (p *plane) ask(uri, key, deployment, body string) (*http.Response, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, uri, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	if deployment != "" {
		req.Header.Set("azureml-model-deployment", deployment)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp, string(text)
}

func statusOf(err error) int {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

func pct(n int32) *int32 { return &n }

// serve makes an endpoint with two deployments, without traffic.
func (p *plane) serve() (uri, key string) {
	p.t.Helper()
	e, err := p.put(nil, nil, arm.EndpointAuthModeKey)
	if err != nil || *e.Properties.ProvisioningState != arm.EndpointProvisioningStateSucceeded || *e.Kind != "Managed" {
		p.t.Fatalf("%+v, %v", e.Properties, err)
	}
	for _, name := range []string{"one", "two"} {
		if err := p.deploy(name, nil); err != nil {
			p.t.Fatal(err)
		}
	}
	keys, err := p.endpoints.ListKeys(p.t.Context(), "G", "W", "drives", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp, text := p.ask(*e.Properties.ScoringURI, *keys.SecondaryKey, "one", "x"); resp.StatusCode != 200 || text != "one" {
		p.t.Errorf("by the second key: %s %s", resp.Status, text)
	}
	return *e.Properties.ScoringURI, *keys.PrimaryKey
}

func TestEndpointsThroughTheOfficialClients(t *testing.T) {
	p := newPlane(t, t.TempDir())
	uri, key := p.serve()
	if resp, _ := p.ask(uri, key, "", "x"); resp.StatusCode != 404 {
		t.Errorf("without traffic: %s", resp.Status)
	}
	if resp, text := p.ask(uri, key, "two", "x"); resp.StatusCode != 200 || text != "two" || resp.Header.Get("azureml-model-deployment") != "two" || resp.Header.Get("x-request-id") == "" {
		t.Errorf("by name: %s %s %v", resp.Status, text, resp.Header)
	}
	if resp, _ := p.ask(uri, "other", "two", "x"); resp.StatusCode != 401 {
		t.Errorf("another key: %s", resp.Status)
	}
	if resp, _ := p.ask(uri, key, "three", "x"); resp.StatusCode != 404 {
		t.Errorf("another deployment: %s", resp.Status)
	}
	if resp, text := p.ask(uri, key, "one", "bad"); resp.StatusCode != 424 || resp.Header.Get("ms-azureml-model-error-statuscode") != "400" || !strings.Contains(text, "no such column") {
		t.Errorf("a refusal of the container: %s %s", resp.Status, text)
	}
}

func TestTrafficThroughTheOfficialClients(t *testing.T) {
	t.Chdir(t.TempDir())
	const dir = "state" // a relative path is one of the server, not of its processes
	p := newPlane(t, dir)
	uri, key := p.serve()
	for _, c := range []struct {
		why             string
		traffic, mirror map[string]*int32
	}{
		{"an unknown deployment", map[string]*int32{"three": pct(100)}, nil},
		{"a sum of 90", map[string]*int32{"one": pct(90)}, nil},
		{"mirrored and live", map[string]*int32{"one": pct(100)}, map[string]*int32{"one": pct(10)}},
		{"mirrored by 60", map[string]*int32{"one": pct(100)}, map[string]*int32{"two": pct(60)}},
	} {
		if _, err := p.put(c.traffic, c.mirror, arm.EndpointAuthModeKey); statusOf(err) != 400 {
			t.Errorf("%s: %v", c.why, err)
		}
	}
	if _, err := p.put(map[string]*int32{"one": pct(80), "two": pct(20)}, nil, arm.EndpointAuthModeKey); err != nil {
		t.Fatal(err)
	}
	served := map[string]int{}
	for range 50 {
		_, text := p.ask(uri, key, "", "x")
		served[text]++
	}
	if served["one"] != 40 || served["two"] != 10 {
		t.Errorf("of 50 requests: %v", served)
	}
	if poller, err := p.deployments.BeginDelete(t.Context(), "G", "W", "drives", "two", nil); statusOf(err) != 400 {
		t.Errorf("deleting what has traffic: %v, %v", poller, err)
	}
	if _, err := p.put(map[string]*int32{"one": pct(100)}, map[string]*int32{"two": pct(50)}, arm.EndpointAuthModeKey); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, text := p.ask(uri, key, "", "copy"); text != "one" {
			t.Errorf("the mirror answered: %s", text)
		}
	}
	copies := func() string {
		_, text := p.ask(strings.TrimSuffix(uri, "/score")+"/copies", key, "two", "")
		return text
	}
	for end := time.Now().Add(20 * time.Second); copies() != "5" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	if n := copies(); n != "5" {
		t.Errorf("%s of 10 requests were mirrored, want 5", n)
	}
	p.stop()
	p = newPlane(t, dir) // at another address
	got, err := p.endpoints.Get(t.Context(), "G", "W", "drives", nil)
	if err != nil || *got.Properties.Traffic["one"] != 100 {
		t.Fatalf("%v, %v", got.Properties, err)
	}
	var text string
	for end := time.Now().Add(20 * time.Second); text != "one" && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		_, text = p.ask(*got.Properties.ScoringURI, key, "", "x")
	}
	if text != "one" {
		t.Errorf("after a restart: %s", text)
	}
	poller, err := p.endpoints.BeginDelete(t.Context(), "G", "W", "drives", nil)
	if _, err := done(p, poller, err); err != nil {
		t.Fatal(err)
	}
	if _, err := p.endpoints.Get(t.Context(), "G", "W", "drives", nil); statusOf(err) != 404 {
		t.Errorf("after it was deleted: %v", err)
	}
}

func TestLimitsOfADeployment(t *testing.T) {
	p := newPlane(t, t.TempDir())
	e, err := p.put(nil, nil, arm.EndpointAuthModeAMLToken)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.deploy("one", func(d *arm.ManagedOnlineDeployment) {
		d.RequestSettings = &arm.OnlineRequestSettings{RequestTimeout: to.Ptr("PT0.7S"), MaxQueueWait: to.Ptr("PT0.05S"), MaxConcurrentRequestsPerInstance: to.Ptr(int32(1))}
	}); err != nil {
		t.Fatal(err)
	}
	token, err := p.endpoints.GetToken(t.Context(), "G", "W", "drives", nil)
	if err != nil || *token.ExpiryTimeUTC < time.Now().Unix() {
		t.Fatal(token, err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	for range 4 {
		all.Go(func() {
			resp, _ := p.ask(*e.Properties.ScoringURI, *token.AccessToken, "one", "slow")
			mu.Lock()
			seen[resp.StatusCode]++
			mu.Unlock()
		})
	}
	all.Wait()
	if seen[408] < 1 || seen[429] < 1 || seen[408]+seen[429] != 4 {
		t.Errorf("four slow requests at once: %v", seen)
	}
	forged := strings.Replace(*token.AccessToken, ".", "9.", 1)
	if resp, _ := p.ask(*e.Properties.ScoringURI, forged, "one", "x"); resp.StatusCode != 401 {
		t.Errorf("a token that was stretched: %s", resp.Status)
	}
	update, err := p.deployments.BeginUpdate(t.Context(), "G", "W", "drives", "one", arm.PartialMinimalTrackedResourceWithSKU{SKU: &arm.PartialSKU{Capacity: to.Ptr(int32(3))}}, nil)
	if d, err := done(p, update, err); err != nil || *d.SKU.Capacity != 3 {
		t.Errorf("%+v, %v", d.SKU, err)
	}
	skus := p.deployments.NewListSKUsPager("G", "W", "drives", "one", nil)
	if page, err := skus.NextPage(t.Context()); err != nil || *page.Value[0].Capacity.Default != 3 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestADeploymentThatFailsHasALog(t *testing.T) {
	p := newPlane(t, t.TempDir())
	if _, err := p.put(nil, nil, arm.EndpointAuthModeKey); err != nil {
		t.Fatal(err)
	}
	soon := &arm.ProbeSettings{InitialDelay: to.Ptr("PT0S"), Period: to.Ptr("PT1S"), FailureThreshold: to.Ptr(int32(1)), Timeout: to.Ptr("PT1S")}
	err := p.deploy("three", func(d *arm.ManagedOnlineDeployment) { d.ReadinessProbe = soon })
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) || answer.ErrorCode != "UserContainerNotRun" {
		t.Fatalf("an image without a command line: %v", err)
	}
	got, err := p.deployments.Get(t.Context(), "G", "W", "drives", "three", nil)
	if err != nil || *got.Properties.GetOnlineDeploymentProperties().ProvisioningState != arm.DeploymentProvisioningStateFailed {
		t.Errorf("%+v, %v", got.Properties, err)
	}
	if _, err := p.put(map[string]*int32{"three": pct(100)}, nil, arm.EndpointAuthModeKey); statusOf(err) != 400 {
		t.Errorf("traffic to one that failed: %v", err)
	}
	poller, err := p.deployments.BeginDelete(t.Context(), "G", "W", "drives", "three", nil)
	if _, err := done(p, poller, err); err != nil {
		t.Fatal(err)
	}
	pages, n := p.deployments.NewListPager("G", "W", "drives", nil), 0
	for pages.More() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Value)
	}
	if n != 0 {
		t.Errorf("%d deployments are left", n)
	}
}
