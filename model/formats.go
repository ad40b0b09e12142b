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
		{"LightGBM", prefix("tree\n", "tree\r\n"), decodeLightGBM},
		{"XGBoost", braced("learner"), decodeXGBoost},
		{"CatBoost", braced("features_info", "oblivious_trees", "model_info"), decodeCatBoost},
		{"CatBoost binary", prefix("CBM1"), decodeCBM},
		{"pickle", pickle.Looks, decodePickle},
		{"ONNX", looksONNX, decodeONNX},
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

// looksONNX recognises an ONNX file: its first field is the version of the format,
// its second one of the few that follow.
func looksONNX(head []byte) bool {
	return len(head) > 2 && head[0] == 0x08 && head[1] < 0x20 && bytes.IndexByte([]byte{0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42}, head[2]) >= 0
}

// headSize is how much of a file is looked at to tell its kind.
const headSize = 4096

// braced recognises a JSON or UBJSON object that soon names one of the keys.
func braced(keys ...string) func([]byte) bool {
	return func(head []byte) bool {
		if len(head) == 0 || head[0] != '{' {
			return false
		}
		head = head[:min(len(head), headSize)]
		for _, k := range keys {
			if bytes.Contains(head, []byte(k)) {
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
