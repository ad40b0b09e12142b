package history

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// token is what a job shows: a JSON web token that ends after a while.
func (s *Service) token(run string) (string, time.Time) {
	ends := s.o.Now().Add(s.o.Life).UTC().Truncate(time.Second)
	claims, _ := json.Marshal(map[string]any{"exp": ends.Unix(), "runId": run}) // strings and numbers always encode
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return head + "." + s.signature(head), ends
}

func (s *Service) signature(head string) string {
	h := hmac.New(sha256.New, []byte(s.o.Key))
	h.Write([]byte(head))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// genuine reports whether a token is a job's and has not ended.
func (s *Service) genuine(token string) bool {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !hmac.Equal([]byte(token[i+1:]), []byte(s.signature(token[:i]))) {
		return false
	}
	_, text, _ := strings.Cut(token[:i], ".")
	body, err := base64.RawURLEncoding.DecodeString(text)
	var claims struct{ Exp int64 }
	return err == nil && json.Unmarshal(body, &claims) == nil && s.o.Now().Unix() < claims.Exp
}
