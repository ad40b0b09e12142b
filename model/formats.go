package model

import (
	"bytes"

	"github.com/drivecast/drivecast/model/native"
	"github.com/drivecast/drivecast/model/pickle"
)

// format is one kind of model file: how it begins and how it is read.
type format struct {
	name   string
	begins func(head []byte) bool
	decode func(data []byte) (*Model, error)
}

// formats lists the kinds of model file, the surest signs first.
func formats() []format {
	return []format{
		{"drivecast", prefix(native.Magic), decodeNative},
		{"skops", prefix("PK\x03\x04"), decodeSkops},
		{"pickle", pickle.Looks, decodePickle},
	}
}

func prefix(magics ...string) func([]byte) bool {
	return func(head []byte) bool {
		for _, m := range magics {
			if bytes.HasPrefix(head, []byte(m)) {
				return true
			}
		}
		return false
	}
}

// sniff returns the name of the kind of model file that begins like head, or "".
func sniff(head []byte) string {
	for _, f := range formats() {
		if f.begins(head) {
			return f.name
		}
	}
	return ""
}
