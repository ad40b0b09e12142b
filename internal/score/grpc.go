package score

import (
	"encoding/binary"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The gRPC services that are spoken: the Open Inference Protocol, and the health
// check that Kubernetes asks. docs/inference.proto states their messages.
const (
	inferenceService = "/inference.GRPCInferenceService/"
	healthService    = "/grpc.health.v1.Health/"
)

// Status codes of gRPC.
const (
	grpcInvalid       = 3
	grpcDeadline      = 4
	grpcNotFound      = 5
	grpcExhausted     = 8
	grpcUnimplemented = 12
	grpcInternal      = 13
	grpcUnavailable   = 14
)

// isGRPC reports whether a request is a call of gRPC.
func isGRPC(r *http.Request) bool {
	return r.ProtoMajor == 2 && r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

// call answers a unary call of gRPC: one message after five bytes that hold whether
// it is compressed and its length.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, all *lineup) {
	head := w.Header()
	head.Set("Content-Type", "application/grpc")
	head.Set("Trailer", "Grpc-Status, Grpc-Message")
	k := h.take()
	held, err := h.read(k, w, r)
	defer func() { h.buffered.Add(-held) }()
	var bad *fault
	switch {
	case errors.Is(err, errTooBusy):
		bad = busy
	case err != nil:
		status, code := statusOf(err)
		bad = &fault{status, code, err.Error(), ""}
	default:
		var more int64
		more, bad = h.unwrap(k, r.Header.Get("Grpc-Encoding"))
		held += more
		if bad == nil {
			k.out = append(k.out[:0], 0, 0, 0, 0, 0)
			bad = h.method(w, r, k, all)
		}
	}
	if bad == nil {
		binary.BigEndian.PutUint32(k.out[1:5], uint32(len(k.out)-5))
		_, _ = w.Write(k.out)
		head.Set("Grpc-Status", "0")
	} else {
		head.Set("Grpc-Status", strconv.Itoa(bad.grpcCode()))
		head.Set("Grpc-Message", strings.ReplaceAll(url.QueryEscape(strings.TrimSpace(bad.message+" "+bad.detail)), "+", "%20"))
	}
	h.keep(k)
}

// unwrap leaves the message in k.body and returns how many more bytes are held.
func (h *Handler) unwrap(k *work, encoding string) (held int64, bad *fault) {
	if len(k.body) < 5 || uint64(binary.BigEndian.Uint32(k.body[1:])) != uint64(len(k.body)-5) {
		return 0, badRequest("the call does not hold one whole message")
	}
	packed := k.body[0] == 1
	k.body = k.body[:copy(k.body, k.body[5:])]
	switch {
	case !packed:
		return 0, nil
	case encoding != "gzip":
		return 0, &fault{http.StatusNotImplemented, codeInvalid, "messages are compressed with gzip or not at all, not with " + encoding, ""}
	}
	return h.inflate(k, encoding)
}

// grpcCode is the status of gRPC for a fault.
func (f *fault) grpcCode() int {
	switch f.status {
	case http.StatusBadRequest:
		return grpcInvalid
	case http.StatusNotFound:
		return grpcNotFound
	case http.StatusRequestTimeout:
		return grpcDeadline
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return grpcExhausted
	case http.StatusServiceUnavailable:
		return grpcUnavailable
	case http.StatusNotImplemented:
		return grpcUnimplemented
	}
	return grpcInternal
}

// method appends the answer of a method to k.out.
func (h *Handler) method(w http.ResponseWriter, r *http.Request, k *work, all *lineup) *fault {
	path := r.URL.Path
	if path == healthService+"Check" {
		k.out = appendVarint(k.out, 1, 1) // SERVING
		return nil
	}
	name, ours := strings.CutPrefix(path, inferenceService)
	switch {
	case !ours:
	case name == "ServerLive", name == "ServerReady":
		k.out = appendVarint(k.out, 1, 1)
		return nil
	case name == "ServerMetadata":
		k.out = appendText(appendText(k.out, 1, "drivecast"), 2, h.cfg.Release)
		return nil
	case name == "ModelReady", name == "ModelMetadata", name == "ModelInfer":
		s, version, bad := asked(k.body, all)
		switch {
		case bad == nil:
		case name == "ModelReady" && bad.status == http.StatusNotFound:
			return nil // a model that is not there is not ready
		default:
			return bad
		}
		if name == "ModelInfer" {
			return h.dispatch(w, r, s, k, talk{protocol: &protos})
		}
		p := s.plan.Load()
		bad = p.isVersion(version)
		switch {
		case name == "ModelReady":
			if bad == nil {
				k.out = appendVarint(k.out, 1, 1)
			}
			return nil
		case bad == nil:
			k.out = p.describe(k.out)
		}
		return bad
	}
	return &fault{http.StatusNotImplemented, codeNotFound, "there is no method " + path, ""}
}

// asked returns the model and the version that a message names in its first two
// fields.
func asked(b []byte, all *lineup) (s *served, version string, bad *fault) {
	name := ""
	err := fields(b, func(n protowire.Number, v value) error {
		switch n {
		case 1:
			name = string(v.bytes)
		case 2:
			version = string(v.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, "", badRequest(err.Error())
	}
	if s = all.byName[name]; s == nil {
		return nil, "", &fault{http.StatusNotFound, codeNotFound, "there is no model " + strconv.Quote(name) + "; this server has " + all.names(), ""}
	}
	return s, version, nil
}

// describe appends a ModelMetadataResponse.
func (p *plan) describe(dst []byte) []byte {
	about := p.metadata()
	dst = appendText(appendText(appendText(dst, 1, about.Name), 2, p.version), 3, about.Platform)
	for i, list := range [][]tensorInfo{about.Inputs, about.Outputs} {
		for _, t := range list {
			dst = appendMessage(dst, protowire.Number(4+i), appendShape(appendText(appendText(nil, 1, t.Name), 2, t.Datatype), t.Shape))
		}
	}
	return dst
}
