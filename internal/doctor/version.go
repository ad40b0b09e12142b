package doctor

import (
	"strconv"
	"strings"
)

// version is the release part of a Python version: 1.4.2 is [1 4 2].
type version []int

// parseVersion reads the leading numbers of a version; nil when there are none.
func parseVersion(s string) (v version) {
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".") {
		end := 0
		for end < len(part) && part[end] >= '0' && part[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		if v = append(v, n); end < len(part) {
			break
		}
	}
	return v
}

// compare orders versions; what is absent counts as 0.
func (v version) compare(w version) int {
	for i := range max(len(v), len(w)) {
		a, b := 0, 0
		if i < len(v) {
			a = v[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return a - b
		}
	}
	return 0
}

func (v version) String() string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ".")
}

// span is the versions that a requirement allows: low ≤ v, and v < high or, when
// highIn, v ≤ high. nil bounds are open. Versions left out with != and the open
// side of > are not told apart.
type span struct {
	low, high version
	highIn    bool
}

// parseSpan reads the specifiers of pip and conda: ==1.2, =1.2, ==1.2.*, ~=1.2.3,
// >=1,<2.
func parseSpan(spec string) (s span) {
	for part := range strings.SplitSeq(strings.ReplaceAll(spec, " ", ""), ",") {
		op := strings.TrimRight(part, "0123456789.*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+_-")
		text := part[len(op):]
		v := parseVersion(text)
		if v == nil {
			continue
		}
		switch op {
		case "==", "===", "":
			if strings.HasSuffix(text, "*") {
				s.low, s.high, s.highIn = v, v.next(len(v)-1), false
			} else {
				s.low, s.high, s.highIn = v, v, true
			}
		case "=": // conda: a prefix
			s.low, s.high, s.highIn = v, v.next(len(v)-1), false
		case "~=":
			s.low, s.high, s.highIn = v, v.next(max(len(v)-2, 0)), false
		case ">=", ">":
			s.low = v
		case "<=", "<":
			s.high, s.highIn = v, op == "<="
		}
	}
	return s
}

// next returns the first version behind all that begin as v does up to place i.
func (v version) next(i int) version {
	out := append(version(nil), v[:i+1]...)
	out[i]++
	return out
}

// mayReach reports whether the span has a version from v on.
func (s span) mayReach(v version) bool {
	if s.high == nil {
		return true
	}
	c := s.high.compare(v)
	return c > 0 || c == 0 && s.highIn
}

// within reports whether all of the span lies in low ≤ v < high.
func (s span) within(low, high version) bool {
	return s.low != nil && s.low.compare(low) >= 0 && s.high != nil && !s.mayReach(high)
}

// has reports whether the span has v.
func (s span) has(v version) bool {
	return (s.low == nil || s.low.compare(v) <= 0) && s.mayReach(v)
}
