package online

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

func named(name string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$`).MatchString(name)
}

func value[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}

func (e *endpoint) id() string {
	return "/subscriptions/" + e.Subscription + "/resourceGroups/" + e.Group + "/providers/Microsoft.MachineLearningServices/workspaces/" + e.Workspace + "/onlineEndpoints/" + e.Name
}

func (e *endpoint) kubernetes() bool { return value(e.Body.Properties.Compute) != "" }

// shown is the endpoint as the API shows it; the caller holds the lock.
func (s *Service) shown(e *endpoint) arm.OnlineEndpoint {
	b, p := e.Body, *e.Body.Properties
	kind := "Managed"
	if e.kubernetes() {
		kind = "Kubernetes"
	}
	base := s.o.URL + "/endpoints/" + e.key()
	p.ProvisioningState = to.Ptr(arm.EndpointProvisioningState(e.State))
	p.ScoringURI, p.SwaggerURI, p.Keys = to.Ptr(base+"/score"), to.Ptr(base+"/swagger.json"), nil
	b.Properties, b.ID, b.Name, b.Kind = &p, to.Ptr(e.id()), &e.Name, &kind
	b.Type = to.Ptr("Microsoft.MachineLearningServices/workspaces/onlineEndpoints")
	return b
}

func (s *Service) putEndpoint(w http.ResponseWriter, r *http.Request) {
	var body arm.OnlineEndpoint
	if !read(w, r, &body) {
		return
	}
	name, ws := r.PathValue("e"), r.PathValue("ws")
	switch {
	case !named(name):
		refuse(w, http.StatusBadRequest, "BadArgument", "an endpoint's name has 3 to 32 letters, digits and -, a letter first: "+name)
		return
	case body.Properties == nil || body.Properties.AuthMode == nil || body.Location == nil:
		refuse(w, http.StatusBadRequest, "BadArgument", "an endpoint needs location and properties.authMode")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[ws+"/"+name]
	fresh := e == nil
	if fresh {
		e = &endpoint{Subscription: r.PathValue("sub"), Group: r.PathValue("group"), Workspace: ws, Name: name, State: creating,
			Primary: rand.Text(), Secondary: rand.Text(), Deployments: map[string]*deployment{}}
		if k := body.Properties.Keys; k != nil && value(k.PrimaryKey) != "" {
			e.Primary, e.Secondary = value(k.PrimaryKey), value(k.SecondaryKey)
		}
	} else if busy(e.State) {
		refuse(w, http.StatusConflict, "ResourceConflict", "endpoint "+name+" is "+e.State+"; wait until that has ended")
		return
	}
	body.Properties.Keys = nil
	now := *e
	now.Body = body
	if why := now.fault(); why != "" {
		refuse(w, http.StatusBadRequest, "BadArgument", why)
		return
	}
	e.Body, e.dealt, e.mirror = body, nil, 0
	s.settle(w, r, e, fresh)
}

// settle keeps what was made of an endpoint, and answers; the caller holds the lock.
func (s *Service) settle(w http.ResponseWriter, r *http.Request, e *endpoint, fresh bool) {
	status := http.StatusOK
	if e.State = updating; fresh {
		e.State, status = creating, http.StatusCreated
	}
	s.endpoints[e.key()] = e
	if err := s.save(); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	s.accepted(w, r, status, "put:"+e.Workspace+":"+e.Name, s.shown(e))
}

// fault says what is wrong with the traffic of an endpoint, by Azure's rules.
func (e *endpoint) fault() string {
	p, total := e.Body.Properties, int32(0)
	for _, name := range slices.Sorted(maps.Keys(p.Traffic)) {
		share := value(p.Traffic[name])
		d := e.Deployments[name]
		switch {
		case d == nil:
			return "traffic names deployment " + name + ", which is not there"
		case share < 0 || share > 100:
			return fmt.Sprintf("traffic of %s is %d percent", name, share)
		case share > 0 && d.State != succeeded && d.State != updating:
			return "deployment " + name + " is " + d.State + " and cannot take traffic"
		}
		total += share
	}
	if total != 0 && total != 100 {
		return fmt.Sprintf("the traffic sums to %d percent; it must be 0 or 100", total)
	}
	if len(p.MirrorTraffic) > 1 {
		return "one deployment at most takes mirrored traffic"
	}
	for name, v := range p.MirrorTraffic {
		switch share := value(v); {
		case share == 0:
		case e.kubernetes():
			return "Kubernetes endpoints do not mirror traffic"
		case e.Deployments[name] == nil:
			return "mirrorTraffic names deployment " + name + ", which is not there"
		case share < 0 || share > 50:
			return fmt.Sprintf("mirrored traffic of %s is %d percent; 50 is the most", name, share)
		case value(p.Traffic[name]) > 0:
			return "deployment " + name + " takes live traffic and so none that is mirrored"
		}
	}
	return ""
}

func (s *Service) patchEndpoint(w http.ResponseWriter, r *http.Request) {
	var body arm.PartialMinimalTrackedResourceWithIdentity
	if !read(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.under(w, r)
	if e == nil {
		return
	}
	if busy(e.State) {
		refuse(w, http.StatusConflict, "ResourceConflict", "endpoint "+e.Name+" is "+e.State)
		return
	}
	if body.Tags != nil {
		e.Body.Tags = body.Tags
	}
	s.settle(w, r, e, false)
}

func (s *Service) getEndpoint(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.under(w, r); e != nil {
		answer(w, http.StatusOK, s.shown(e))
	}
}

func (s *Service) listEndpoints(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []arm.OnlineEndpoint{}
	for _, key := range slices.Sorted(maps.Keys(s.endpoints)) {
		if e := s.endpoints[key]; e.Workspace == r.PathValue("ws") {
			list = append(list, s.shown(e))
		}
	}
	answer(w, http.StatusOK, map[string]any{"value": list})
}

func (s *Service) deleteEndpoint(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoints[r.PathValue("ws")+"/"+r.PathValue("e")]
	if e == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e.State = deleting
	for _, d := range e.Deployments {
		d.State = deleting
	}
	s.accepted(w, r, http.StatusAccepted, "delete:"+e.Workspace+":"+e.Name, nil)
}

func (s *Service) keys(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.under(w, r); e != nil {
		answer(w, http.StatusOK, arm.EndpointAuthKeys{PrimaryKey: &e.Primary, SecondaryKey: &e.Secondary})
	}
}

func (s *Service) regenerate(w http.ResponseWriter, r *http.Request) {
	var body arm.RegenerateEndpointKeysRequest
	if !read(w, r, &body) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.under(w, r)
	if e == nil {
		return
	}
	key := value(body.KeyValue)
	if key == "" {
		key = rand.Text()
	}
	if value(body.KeyType) == arm.KeyTypeSecondary {
		e.Secondary = key
	} else {
		e.Primary = key
	}
	if err := s.save(); err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	s.accepted(w, r, http.StatusAccepted, "put:"+e.Workspace+":"+e.Name, nil)
}

// token gives out a token of the endpoint that is good for an hour.
func (s *Service) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.under(w, r)
	switch {
	case e == nil:
	case value(e.Body.Properties.AuthMode) != arm.EndpointAuthModeAMLToken:
		refuse(w, http.StatusBadRequest, "BadArgument", "endpoint "+e.Name+" takes no tokens of its own")
	default:
		end := time.Now().Add(time.Hour)
		answer(w, http.StatusOK, arm.EndpointAuthToken{AccessToken: to.Ptr(e.sign(end)), TokenType: to.Ptr("Bearer"),
			ExpiryTimeUTC: to.Ptr(end.Unix()), RefreshAfterTimeUTC: to.Ptr(end.Add(-10 * time.Minute).Unix())})
	}
}
