package model

import (
	"encoding/json"
	"os"

	"github.com/drivecast/drivecast/errs"
)

// SettingsFile holds, in a model folder, what MLflow has no place for: encoders,
// labels, thresholds.
const SettingsFile = "drivecast.json"

const maxSettings = 64 << 20

// settings is the content of SettingsFile.
type settings struct {
	Version   int       `json:"version"`
	Names     []string  `json:"columns,omitempty"`
	LabelType string    `json:"label_type,omitempty"`
	Labels    []string  `json:"labels,omitempty"`
	Threshold float64   `json:"threshold,omitempty"`
	Risk      *Risk     `json:"risk,omitempty"`
	Base      []float64 `json:"typical_values,omitempty"`
	Method    string    `json:"predict_method,omitempty"`
	Encoders  []Encoder `json:"encoders,omitempty"`
}

func (m *Model) settings() ([]byte, error) {
	s := settings{
		Version: 1, Names: m.Names, LabelType: m.LabelType, Labels: m.Labels, Threshold: m.Threshold,
		Base: m.Base, Method: m.Method, Encoders: m.Encoders,
	}
	if m.Risk != (Risk{}) {
		s.Risk = &m.Risk
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, errs.New(errs.Invalid, "settings of the model: %w", err)
	}
	return append(text, '\n'), nil
}

func (m *Model) readSettings(path string) error {
	text, err := readBounded(path, maxSettings)
	if err != nil {
		return err
	}
	var s settings
	if err := json.Unmarshal(text, &s); err != nil {
		return &errs.Input{File: path, Problem: "is not valid JSON: " + err.Error()}
	}
	if s.Version != 1 {
		return errs.New(errs.Unsupported, "%s has version %d, this program reads version 1; use a newer drivecast", path, s.Version)
	}
	m.Names, m.LabelType, m.Labels, m.Threshold = s.Names, s.LabelType, s.Labels, s.Threshold
	m.Base, m.Method, m.Encoders = s.Base, s.Method, s.Encoders
	if s.Risk != nil {
		m.Risk = *s.Risk
	}
	for i := range m.Encoders {
		if err := m.Encoders[i].check(); err != nil {
			return errs.Wrap(err, "%s", path)
		}
	}
	return nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, &errs.Input{File: path, Problem: "is not a regular file"}
	}
	if st.Size() > limit {
		return nil, errs.New(errs.TooLarge, "%s has %d bytes, at most %d are read", path, st.Size(), limit)
	}
	return os.ReadFile(path)
}
