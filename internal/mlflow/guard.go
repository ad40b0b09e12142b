package mlflow

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard refuses requests that a foreign page makes a browser send: those for a
// host name that is not ours (DNS rebinding) and those of a foreign origin that
// change something. It reports whether to go on.
func (h *Handler) guard(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	if r.URL.Path == "/health" || r.URL.Path == "/version" {
		return true
	}
	if !h.hostAllowed(r.Host) {
		http.Error(w, "Invalid Host header - possible DNS rebinding attack detected", http.StatusForbidden)
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Cross-origin request blocked", http.StatusForbidden)
			return false
		}
		return true
	}
	allowed := slices.Contains(h.cfg.CORSOrigins, "*") || slices.Contains(h.cfg.CORSOrigins, origin)
	if allowed {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Add("Vary", "Origin")
	}
	if r.Method == http.MethodOptions && allowed {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	if !safe && !allowed && !h.sameOrigin(origin, r.Host) {
		http.Error(w, "Cross-origin request blocked", http.StatusForbidden)
		return false
	}
	return true
}

// sameOrigin reports whether a page of origin is one of ours: of the host that
// was asked, or of this machine.
func (h *Handler) sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, host) || loopback(hostName(u.Host))
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

func loopback(name string) bool {
	if name == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.IsLoopback()
}

func (h *Handler) hostAllowed(host string) bool {
	name := hostName(host)
	if loopback(name) || name == "" {
		return true
	}
	if a, err := netip.ParseAddr(name); err == nil && (a.IsPrivate() || a.IsUnspecified() || a.IsLinkLocalUnicast()) {
		return true
	}
	return slices.ContainsFunc(h.cfg.AllowedHosts, func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		if rest, ok := strings.CutPrefix(allowed, "*."); ok {
			return strings.HasSuffix(name, "."+rest)
		}
		return allowed == "*" || hostName(allowed) == name
	})
}
