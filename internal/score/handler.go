package score

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
)

// ProtocolVersion is the MLflow release whose scoring protocol is spoken, and
// what GET /version answers unless Config.Version says otherwise.
const ProtocolVersion = "3.17.2"

// Config says what a Handler serves and how much it takes on.
type Config struct {
	Model         *model.Model
	Logger        *slog.Logger // nil: slog.Default()
	Version       string       // answer of GET /version; "": ProtocolVersion
	Name          string       // of the model under /v2; "": "model"
	ModelVersion  string       // under /v2; "": "1"
	Release       string       // of the program, told under /v2
	MaxBody       int64        // bytes of a request body; 0: 128 MiB. More is answered 413
	MaxConcurrent int64        // requests at a time; 0: 1024. More are answered 503
	MaxBuffered   int64        // bytes of bodies held at a time; 0: 512 MiB. More are answered 503
}

// Handler is a scoring server: MLflow's POST /invocations, /ping, /health and
// /version, Azure ML's POST /score with its probes, and the Open Inference
// Protocol under /v2. It is safe for concurrent use.
type Handler struct {
	cfg      Config
	plan     atomic.Pointer[plan]
	running  atomic.Int64
	buffered atomic.Int64
	spare    sync.Pool // of *work
}

// work is the memory of one request, kept for the next one.
type work struct {
	body, out []byte
	head      int // bytes of out that are JSON, when binary tensors follow; else 0
	req       request
	ans       answer
}

// spareSize is how much memory a finished request may leave for the next one.
const spareSize = 1 << 20

// NewHandler makes the server of cfg.Model. It returns an error when the model
// does not answer a self-test.
func NewHandler(cfg Config) (*Handler, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Version == "" {
		cfg.Version = ProtocolVersion
	}
	if cfg.Name == "" {
		cfg.Name = "model"
	}
	if cfg.ModelVersion == "" {
		cfg.ModelVersion = "1"
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = 128 << 20
	}
	if cfg.MaxConcurrent <= 0 {
		cfg.MaxConcurrent = 1024
	}
	if cfg.MaxBuffered <= 0 {
		cfg.MaxBuffered = 512 << 20
	}
	h := &Handler{cfg: cfg}
	return h, h.Swap(cfg.Model)
}

// Swap makes m the served model once it has answered a self-test; requests in
// flight end with the model they began with. On an error the old model stays.
func (h *Handler) Swap(m *model.Model) error {
	p := newPlan(m)
	if err := p.selfTest(); err != nil {
		return errs.Wrap(err, "model %s does not answer", m.Source)
	}
	h.plan.Store(p)
	return nil
}

// Model returns the served model.
func (h *Handler) Model() *model.Model { return h.plan.Load().m }

// selfTest scores a row of zeros.
func (p *plan) selfTest() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errs.New(errs.Invalid, "scoring a row of zeros: %v", r)
		}
	}()
	a := &answer{x: make([]float64, p.n)}
	p.ask(a, 1)
	return nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path := r.URL.Path; path {
	case "/invocations", "/score":
		if r.Method != http.MethodPost {
			refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
			return
		}
		if path == "/score" {
			h.score(w, r, (*plan).azure, (*fault).write)
		} else {
			kind := r.Header.Get("Content-Type")
			h.score(w, r, func(p *plan, k *work) *fault { return p.invoke(k, kind) }, (*fault).write)
		}
	case "/ping", "/health", "/healthz", "/livez", "/readyz", "/ready", "/version", "/":
		if !get {
			refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
			return
		}
		body, typ := "\n", "application/json"
		if path == "/version" {
			body = h.cfg.Version
		} else if path == "/" {
			body, typ = "Healthy", "text/plain; charset=utf-8"
		}
		w.Header().Set("Content-Type", typ)
		_, _ = io.WriteString(w, body)
	default:
		if path == "/v2" || strings.HasPrefix(path, "/v2/") {
			h.inference(w, r)
			return
		}
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

// refuse answers a path or a method that there is not, as MLflow's server does.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"detail":"`+detail+`"}`)
}

var busy = &fault{http.StatusServiceUnavailable, codeBusy, "The server is busy. Try again in a second.", ""}

// score answers one scoring request, within the limits of the configuration.
// refuse sends a fault in the words of the protocol.
func (h *Handler) score(w http.ResponseWriter, r *http.Request, ask func(*plan, *work) *fault, refuse func(*fault, http.ResponseWriter)) {
	defer h.running.Add(-1)
	if h.running.Add(1) > h.cfg.MaxConcurrent {
		tooBusy(w, refuse)
		return
	}
	k, _ := h.spare.Get().(*work)
	if k == nil {
		k = &work{}
	}
	held, err := h.read(k, r)
	defer h.buffered.Add(-held)
	var bad *fault
	switch {
	case errors.Is(err, errTooBusy):
		tooBusy(w, refuse)
		return
	case err != nil:
		status, code := statusOf(err)
		bad = &fault{status, code, err.Error(), ""}
	default:
		bad = h.answer(k, ask)
	}
	if bad != nil {
		if bad.status == http.StatusRequestEntityTooLarge {
			w.Header().Set("Connection", "close")
		}
		refuse(bad, w)
	} else {
		head := w.Header()
		head["Content-Type"] = jsonType
		if k.head > 0 {
			head.Set("Content-Type", "application/octet-stream")
			head.Set(headerLength, strconv.Itoa(k.head))
		}
		head["Content-Length"] = []string{strconv.Itoa(len(k.out))}
		_, _ = w.Write(k.out)
	}
	h.keep(k)
}

var jsonType = []string{"application/json"}

func tooBusy(w http.ResponseWriter, refuse func(*fault, http.ResponseWriter)) {
	w.Header().Set("Retry-After", "1")
	refuse(busy, w)
}

// answer fills k.out with the answer to the body in k.
func (h *Handler) answer(k *work, ask func(*plan, *work) *fault) (bad *fault) {
	defer func() {
		if e := recover(); e != nil {
			h.cfg.Logger.Error("scoring panicked", "panic", fmt.Sprint(e), "stack", string(debug.Stack()))
			k.req = request{}
			bad = &fault{http.StatusInternalServerError, codeInternal, "The model failed on this input. This is a fault of the server.", ""}
		}
	}()
	p := h.plan.Load()
	k.head = 0
	k.req.reset()
	k.req.frame.names = p.known
	k.req.frame.limit = 4*len(k.body) + 1<<16
	return ask(p, k)
}

// keep gives the memory of a request to the next one, unless it grew large.
func (h *Handler) keep(k *work) {
	if cap(k.body)+cap(k.out)+8*cap(k.ans.x)+8*cap(k.ans.scores)+8*cap(k.ans.why)+k.req.frame.size() <= spareSize {
		h.spare.Put(k)
	}
}

var errTooBusy = errors.New("too many bytes in flight")

// read reads the body into k and returns how many bytes it counted as held.
func (h *Handler) read(k *work, r *http.Request) (held int64, err error) {
	tooLarge := errs.New(errs.TooLarge, "The request body is larger than %d bytes.", h.cfg.MaxBody)
	if r.ContentLength > h.cfg.MaxBody {
		return 0, tooLarge
	}
	k.body = k.body[:0]
	if n := r.ContentLength; n >= 0 {
		if h.buffered.Add(n) > h.cfg.MaxBuffered {
			return n, errTooBusy
		}
		k.body = sized(k.body, int(n))
		if _, err := io.ReadFull(r.Body, k.body); err != nil {
			return n, errs.New(errs.Invalid, "The request body ended early.")
		}
		return n, nil
	}
	for {
		if len(k.body) == cap(k.body) {
			more := int64(max(cap(k.body), 4096))
			held += more
			if h.buffered.Add(more) > h.cfg.MaxBuffered {
				return held, errTooBusy
			}
			k.body = append(make([]byte, 0, cap(k.body)+int(more)), k.body...)
		}
		n, err := r.Body.Read(k.body[len(k.body):cap(k.body)])
		k.body = k.body[:len(k.body)+n]
		switch {
		case int64(len(k.body)) > h.cfg.MaxBody:
			return held, tooLarge
		case err == io.EOF:
			return held, nil
		case err != nil:
			return held, errs.New(errs.Invalid, "The request body ended early.")
		}
	}
}
