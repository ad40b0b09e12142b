package native

import (
	"encoding/json"
	"hash/crc32"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
)

// forecastDoc describes a forecast.Model. The file of each member is an array of
// bytes (u1), a whole model file in itself, but none of kind "forecast".
type forecastDoc struct {
	Kind     string            `json:"kind"` // "forecast"
	Features int               `json:"features"`
	Classes  []float64         `json:"classes"`
	Spec     feature.Spec      `json:"spec"`
	Horizon  int               `json:"horizon_days"`
	Members  []memberDoc       `json:"members"`
	Slope    float64           `json:"slope"`
	Offset   float64           `json:"offset"`
	At       int               `json:"band_at"`
	Below    int               `json:"band_below"`
	Above    int               `json:"band_above"`
	Families []forecast.Family `json:"families"`
	Drives   int               `json:"min_drives"`
	Known    float64           `json:"min_known"`
	Medium   float64           `json:"medium"`
	High     float64           `json:"high"`
}

type memberDoc struct {
	Name    string  `json:"name"`
	Weight  float64 `json:"weight"`
	Columns int     `json:"columns"`
	Log     bool    `json:"log"`
	Low     int     `json:"low"` // -1: no bounds
	High    int     `json:"high"`
	File    int     `json:"file"`
}

func encodeForecast(m *forecast.Model) ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	a := &arrays{}
	doc := forecastDoc{
		Kind: "forecast", Features: m.Features(), Classes: m.Classes(), Spec: m.Spec, Horizon: m.Horizon, Slope: m.Line.Slope, Offset: m.Line.Offset,
		At: put(a, m.Band.At), Below: put(a, m.Band.Below), Above: put(a, m.Band.Above), Families: m.Limits.Families,
		Drives: m.Limits.MinDrives, Known: m.Limits.MinKnown, Medium: m.Limits.Medium, High: m.Limits.High,
	}
	for _, k := range m.Members {
		file, err := Encode(k.Scorer)
		if err != nil {
			return nil, errs.Wrap(err, "member %s", k.Name)
		}
		columns := make([]int32, len(k.Input.Columns))
		for i, c := range k.Input.Columns {
			columns[i] = int32(c)
		}
		d := memberDoc{Name: k.Name, Weight: k.Weight, Columns: put(a, columns), Log: k.Input.Log, Low: -1, High: -1, File: putBytes(a, file)}
		if k.Input.Low != nil {
			d.Low, d.High = put(a, k.Input.Low), put(a, k.Input.High)
		}
		doc.Members = append(doc.Members, d)
	}
	return seal(doc, a)
}

// maxMembers bounds the members of a forecast that is read.
const maxMembers = 256

func decodeForecast(desc json.RawMessage, r *reader) (any, error) {
	var doc forecastDoc
	if err := json.Unmarshal(desc, &doc); err != nil {
		return nil, errs.New(errs.Invalid, "description: %w", err)
	}
	if len(doc.Members) > maxMembers {
		return nil, errs.New(errs.Invalid, "a forecast of %d members; at most %d are read", len(doc.Members), maxMembers)
	}
	m := &forecast.Model{Spec: doc.Spec, Horizon: doc.Horizon, Line: forecast.Line{Slope: doc.Slope, Offset: doc.Offset},
		Limits: forecast.Limits{Families: doc.Families, MinDrives: doc.Drives, MinKnown: doc.Known, Medium: doc.Medium, High: doc.High}}
	var err error
	fetch(r, &err, doc.At, &m.Band.At)
	fetch(r, &err, doc.Below, &m.Band.Below)
	fetch(r, &err, doc.Above, &m.Band.Above)
	if err != nil {
		return nil, err
	}
	for _, d := range doc.Members {
		k, err := decodeMember(d, r)
		if err != nil {
			return nil, errs.Wrap(err, "member %s", d.Name)
		}
		m.Members = append(m.Members, k)
	}
	return m, m.Check()
}

func decodeMember(d memberDoc, r *reader) (forecast.Member, error) {
	k := forecast.Member{Name: d.Name, Weight: d.Weight, Input: forecast.Input{Log: d.Log}}
	columns, err := get[int32](r, d.Columns)
	if d.Low >= 0 {
		fetch(r, &err, d.Low, &k.Input.Low)
		fetch(r, &err, d.High, &k.Input.High)
	}
	if err != nil {
		return k, err
	}
	for _, c := range columns {
		k.Input.Columns = append(k.Input.Columns, int(c))
	}
	file, err := getBytes(r, d.File)
	if err != nil {
		return k, err
	}
	inner, in, err := open(file)
	if err != nil {
		return k, err
	}
	e, err := decodeKind(inner, in, false)
	if err != nil {
		return k, err
	}
	scorer, ok := e.(forecast.Scorer)
	if !ok {
		return k, errs.New(errs.Invalid, "a %T gives no probabilities", e)
	}
	k.Scorer = scorer
	return k, nil
}

// putBytes adds an array of plain bytes.
func putBytes(a *arrays, v []byte) int {
	i := put(a, []bool(nil))
	info := &a.info[i]
	info.Count, info.CRC = int64(len(v)), crc32.Checksum(v, castagnoli)
	a.data = append(a.data, v...)
	return i
}

// getBytes returns array i, of plain bytes, without copying it.
func getBytes(r *reader, i int) ([]byte, error) {
	if i < 0 || i >= len(r.info) || r.info[i].Type != "u1" {
		return nil, errs.New(errs.Invalid, "there is no array %d of bytes", i)
	}
	return r.bytes(r.info[i], 1), nil
}
