package online

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

// maxBody is the largest request that is passed on.
const maxBody = 10 << 20

// chooses is the header that names a deployment.
const chooses = "azureml-model-deployment"

// Score answers requests of an endpoint's users at /endpoints/{ws}/{e}/{path...}.
func (s *Service) Score(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-request-id", rand.Text())
	if id := r.Header.Get("x-ms-client-request-id"); len(id) > 40 {
		refuse(w, http.StatusBadRequest, "BadRequest", "x-ms-client-request-id is longer than 40 characters")
		return
	} else if id != "" {
		w.Header().Set("x-ms-client-request-id", id)
	}
	s.mu.Lock()
	e := s.endpoints[r.PathValue("ws")+"/"+r.PathValue("e")]
	known := e != nil && s.lets(e, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	s.mu.Unlock()
	switch {
	case e == nil:
		refuse(w, http.StatusNotFound, "NotFound", "there is no such endpoint")
		return
	case !known:
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "Unauthorized", "key_auth_access_denied")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "TooLarge", "the request is larger than 10 MB")
		return
	}
	name, to, mirror := s.route(e, r.Header.Get(chooses))
	if to == nil {
		refuse(w, http.StatusNotFound, "NoDeployment", "no deployment takes this request")
		return
	}
	if mirror != nil {
		copied := r.Clone(context.WithoutCancel(r.Context()))
		go mirror.discard(copied, "/"+r.PathValue("path"), body)
	}
	w.Header().Set(chooses, name)
	to.forward(w, r, "/"+r.PathValue("path"), body)
}

// lets reports whether a key or token opens an endpoint; the caller holds the lock.
func (s *Service) lets(e *endpoint, token string) bool {
	same := func(a string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(token)) == 1 }
	switch value(e.Body.Properties.AuthMode) {
	case arm.EndpointAuthModeAADToken:
		return s.o.Login(token)
	case arm.EndpointAuthModeAMLToken:
		end, _, _ := strings.Cut(token, ".")
		at, err := strconv.ParseInt(end, 10, 64)
		return err == nil && time.Now().Unix() < at && same(e.sign(time.Unix(at, 0)))
	}
	return same(e.Primary) || same(e.Secondary)
}

// sign makes the token of an endpoint that is good until end.
func (e *endpoint) sign(end time.Time) string {
	at := strconv.FormatInt(end.Unix(), 10)
	h := hmac.New(sha256.New, []byte(e.Primary))
	h.Write([]byte(at))
	return at + "." + hex.EncodeToString(h.Sum(nil))
}

// route chooses the deployment of a request, and one that gets a copy. Shares hold
// over any hundred requests.
func (s *Service) route(e *endpoint, wanted string) (name string, to, mirror *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if wanted != "" {
		return wanted, s.instances[e.key()+"/"+wanted], nil
	}
	if e.dealt == nil {
		e.dealt = map[string]int{}
	}
	traffic := e.Body.Properties.Traffic
	for _, d := range slices.Sorted(maps.Keys(traffic)) {
		if share := int(value(traffic[d])); share > 0 {
			if e.dealt[d] += share; name == "" || e.dealt[d] > e.dealt[name] {
				name = d
			}
		}
	}
	if name == "" {
		return "", nil, nil
	}
	e.dealt[name] -= 100
	for d, share := range e.Body.Properties.MirrorTraffic {
		if e.mirror += int(value(share)); e.mirror >= 100 {
			e.mirror -= 100
			mirror = s.instances[e.key()+"/"+d]
		}
	}
	return name, s.instances[e.key()+"/"+name], mirror
}

// enter takes a slot of the instance, or says that there is none.
func (i *instance) enter(ctx context.Context) (leave func(), ok bool) {
	i.mu.Lock()
	if i.flying >= i.most {
		i.mu.Unlock()
		return nil, false
	}
	i.flying++
	i.mu.Unlock()
	out := func() { i.mu.Lock(); i.flying--; i.mu.Unlock() }
	t := time.NewTimer(i.wait)
	defer t.Stop()
	select {
	case i.slots <- struct{}{}:
		return func() { <-i.slots; out() }, true
	case <-t.C:
	case <-ctx.Done():
	}
	out()
	return nil, false
}

// forward hands a request to the container and passes on what it says: anything but
// 200 as 424.
func (i *instance) forward(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	leave, ok := i.enter(r.Context())
	if !ok {
		refuse(w, http.StatusTooManyRequests, "TooManyRequests", "more requests are pending than the deployment takes")
		return
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), i.timeout)
	defer cancel()
	resp, err := i.send(ctx, r, path, body)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, http.StatusRequestTimeout, "Timeout", "the container did not answer within request_timeout_ms")
		return
	case err != nil:
		w.Header().Set("ms-azureml-model-error-reason", "model_error")
		w.Header().Set("ms-azureml-model-error-statuscode", "502")
		refuse(w, http.StatusFailedDependency, "ModelError", "the container does not answer")
		return
	}
	defer resp.Body.Close()
	for _, name := range []string{"Content-Type", "X-Correlation-Id"} {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	status := http.StatusOK
	if resp.StatusCode != http.StatusOK {
		status = http.StatusFailedDependency
		w.Header().Set("ms-azureml-model-error-reason", "model_error")
		w.Header().Set("ms-azureml-model-error-statuscode", strconv.Itoa(resp.StatusCode))
	}
	w.WriteHeader(status)
	_, _ = io.Copy(w, resp.Body) // the client has gone
}

func (i *instance) send(ctx context.Context, r *http.Request, path string, body []byte) (*http.Response, error) {
	if path == "/score" {
		path = i.route
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, i.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Authorization")
	req.Header.Del(chooses)
	return http.DefaultClient.Do(req)
}

// discard sends a mirrored request, of which nobody hears.
func (i *instance) discard(r *http.Request, path string, body []byte) {
	leave, ok := i.enter(r.Context())
	if !ok {
		return
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), i.timeout)
	defer cancel()
	if resp, err := i.send(ctx, r, path, body); err == nil {
		_, _ = io.Copy(io.Discard, resp.Body) // nobody hears of it
		resp.Body.Close()
	}
}
