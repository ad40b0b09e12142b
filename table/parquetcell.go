package table

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// cellFormat appends a value that is not null as a field.
type cellFormat func(b []byte, v *parquet.Value) []byte

// formatOf returns how values of a type are written, and whether they are text
// whatever they say. For a type that is none of ours the format is nil, and why
// names it.
// stated is the logical type in the file, which the library does not always know.
func formatOf(t parquet.Type, stated *format.LogicalType) (f cellFormat, text bool, why string) {
	l := t.LogicalType()
	if l == nil {
		l = stated
	}
	if l != nil {
		if f, text, known := logicalFormat(t, l); known {
			if f == nil {
				return nil, false, l.String()
			}
			return f, text, ""
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(b []byte, v *parquet.Value) []byte {
			if v.Boolean() {
				return append(b, '1')
			}
			return append(b, '0')
		}, false, ""
	case parquet.Int32:
		return func(b []byte, v *parquet.Value) []byte { return strconv.AppendInt(b, int64(v.Int32()), 10) }, false, ""
	case parquet.Int64:
		return func(b []byte, v *parquet.Value) []byte { return strconv.AppendInt(b, v.Int64(), 10) }, false, ""
	case parquet.Int96:
		return func(b []byte, v *parquet.Value) []byte { return appendTime(b, int96Time(v)) }, true, ""
	case parquet.Float:
		return func(b []byte, v *parquet.Value) []byte { return appendFloat(b, float64(v.Float()), 32) }, false, ""
	case parquet.Double:
		return func(b []byte, v *parquet.Value) []byte { return appendFloat(b, v.Double(), 64) }, false, ""
	case parquet.ByteArray:
		return appendText, true, ""
	}
	return nil, false, "bytes of a fixed length"
}

func logicalFormat(t parquet.Type, l *format.LogicalType) (f cellFormat, text, known bool) {
	switch l := l.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return appendText, true, true
	case *format.DateType:
		return func(b []byte, v *parquet.Value) []byte {
			return time.Unix(int64(v.Int32())*86400, 0).UTC().AppendFormat(b, time.DateOnly)
		}, true, true
	case *format.TimestampType:
		unit := unitOf(&l.Unit)
		return func(b []byte, v *parquet.Value) []byte {
			s, part := v.Int64()/unit, v.Int64()%unit
			return appendTime(b, time.Unix(s, part*(1e9/unit)))
		}, true, true
	case *format.TimeType:
		unit := unitOf(&l.Unit)
		return func(b []byte, v *parquet.Value) []byte {
			n := v.Int64()
			if t.Kind() == parquet.Int32 {
				n = int64(v.Int32())
			}
			return time.Unix(n/unit, n%unit*(1e9/unit)).UTC().AppendFormat(b, "15:04:05.999999999")
		}, true, true
	case *format.DecimalType:
		return decimalFormat(t.Kind(), int(l.Scale)), false, true
	case *format.IntType:
		if l.IsSigned {
			return nil, false, false
		}
		return func(b []byte, v *parquet.Value) []byte {
			if t.Kind() == parquet.Int32 {
				return strconv.AppendUint(b, uint64(v.Uint32()), 10)
			}
			return strconv.AppendUint(b, v.Uint64(), 10)
		}, false, true
	case *format.UUIDType:
		return func(b []byte, v *parquet.Value) []byte {
			u := v.ByteArray()
			if len(u) != 16 {
				return b
			}
			h := hex.EncodeToString(u)
			return append(b, h[:8]+"-"+h[8:12]+"-"+h[12:16]+"-"+h[16:20]+"-"+h[20:]...)
		}, true, true
	case *format.Float16Type:
		return func(b []byte, v *parquet.Value) []byte {
			if u := v.ByteArray(); len(u) == 2 {
				return appendFloat(b, float16(binary.LittleEndian.Uint16(u)), 32)
			}
			return b
		}, false, true
	case *format.NullType:
		return func(b []byte, v *parquet.Value) []byte { return b }, false, true
	case nil:
		return nil, false, false
	}
	return nil, false, true // lists, BSON, intervals, geometry, variants
}

func appendText(b []byte, v *parquet.Value) []byte { return AppendText(b, string(v.ByteArray())) }

func appendFloat(b []byte, v float64, bits int) []byte {
	if math.IsNaN(v) {
		return b
	}
	return strconv.AppendFloat(b, v, 'g', -1, bits)
}

func appendTime(b []byte, t time.Time) []byte {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return b // the writer's mark for no time
	}
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.999999999Z")
}

// unitOf returns how many of a unit are in a second.
func unitOf(u *format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return 1e3
	case *format.MicroSeconds:
		return 1e6
	}
	return 1e9
}

// int96Time reads a time as Impala and old Spark write it: nanoseconds of a Julian
// day.
func int96Time(v *parquet.Value) time.Time {
	i := v.Int96()
	nanos := int64(uint64(i[1])<<32 | uint64(i[0]))
	return time.Unix((int64(i[2])-2440588)*86400, nanos)
}

// decimalFormat writes decimals of any physical type with their point.
func decimalFormat(k parquet.Kind, scale int) cellFormat {
	if scale < 0 || scale > 200 {
		return nil
	}
	return func(b []byte, v *parquet.Value) []byte {
		n := new(big.Int)
		switch k {
		case parquet.Int32:
			n.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			n.SetInt64(v.Int64())
		default:
			u := v.ByteArray()
			if len(u) > 128 {
				return b
			}
			if n.SetBytes(u); len(u) > 0 && u[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(u))))
			}
		}
		digits := n.String()
		if n.Sign() < 0 {
			b, digits = append(b, '-'), digits[1:]
		}
		for len(digits) <= scale {
			digits = "0" + digits
		}
		b = append(b, digits[:len(digits)-scale]...)
		if scale > 0 {
			b = append(append(b, '.'), digits[len(digits)-scale:]...)
		}
		return b
	}
}

// float16 widens a number of IEEE 754's binary16.
func float16(h uint16) float64 {
	sign, exp, frac := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	switch exp {
	case 0:
		return sign * frac * 0x1p-24
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * (1 + frac/1024) * math.Pow(2, float64(exp-15))
}

// logicalTypes returns what a file states of its top-level columns, by name.
func logicalTypes(elements []format.SchemaElement) map[string]*format.LogicalType {
	out := map[string]*format.LogicalType{}
	inside := 0 // elements to come that belong to a group
	for i := range elements {
		e := &elements[i]
		if i > 0 && inside == 0 {
			out[e.Name] = &e.LogicalType
		}
		if i > 0 && inside > 0 {
			inside--
		}
		if n := e.NumChildren; i > 0 && n.Valid && n.V > 0 {
			inside += int(n.V)
		}
	}
	return out
}
