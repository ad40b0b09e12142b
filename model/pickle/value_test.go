package pickle

import "fmt"

func sprint(v any) string {
	if t, ok := v.(Tuple); ok {
		return fmt.Sprint([]any(t))
	}
	return fmt.Sprint(v)
}
