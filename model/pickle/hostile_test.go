package pickle

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// u32 and u64 write lengths as opcodes hold them.
func u32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

// hostile are pickles that run code in Python, or that exhaust a careless
// reader. None may do anything here but fail.
var hostile = map[string]string{
	"os.system":             "cos\nsystem\n(S'touch /tmp/owned'\ntR.",
	"posix.system, stack":   "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
	"eval":                  "\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.",
	"exec, python 2":        "c__builtin__\nexec\n(S'1'\ntR.",
	"getattr":               "\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
	"import":                "\x80\x04\x8c\x08builtins\x8c\x0a__import__\x93\x8c\x02os\x85R.",
	"subprocess by INST":    "(S'true'\nisubprocess\nPopen\n.",
	"os by OBJ":             "(cos\nsystem\nS'true'\no.",
	"dotted name":           "\x80\x04\x8c\x0dsklearn.utils\x8c\x09os.system\x93.",
	"cloudpickle function":  "\x80\x05\x8c\x17cloudpickle.cloudpickle\x8c\x0e_make_function\x93.",
	"main class":            "\x80\x04\x8c\x08__main__\x8c\x01X\x93)\x81.",
	"webbrowser":            "cwebbrowser\nopen\n.",
	"list of a list":        "\x80\x04\x8c\x08builtins\x8c\x04list\x93]\x85R.",
	"numpy load":            "cnumpy\nload\n.",
	"numpy runstring":       "cnumpy.testing._private.utils\nrunstring\n.",
	"persistent id":         "P1\n.",
	"extension code":        "\x82\x01.",
	"out of band":           "\x80\x05\x97.",
	"call of text":          "S'a'\n)R.",
	"call of an object":     "\x80\x04\x8c\x12sklearn.utils._foo\x8c\x03Foo\x93)\x81)R.",
	"build on text":         "S'a'\n}b.",
	"append to text":        "S'a'\nNa.",
	"no stop":               "N",
	"empty":                 "",
	"stop on nothing":       ".",
	"pop under the mark":    "N(a.",
	"mark only":             "(.",
	"odd items":             "}(Nu.",
	"huge unicode":          "\x80\x04X\xff\xff\xff\xff",
	"huge unicode 8":        "\x80\x04\x8d" + u64(1<<62),
	"negative length":       "\x80\x04\x8e" + u64(1<<63),
	"huge bytearray":        "\x80\x05\x96" + u64(1<<40),
	"huge long":             "\x8b" + u32(1<<31-1),
	"memo of nothing":       "h\x05.",
	"memo far away":         "Nr" + u32(1<<31) + ".",
	"text memo far away":    "Np99999999999\n.",
	"stack global of ints":  "K\x01K\x02\x93.",
	"protocol 6":            "\x80\x06N.",
	"endless line":          "I" + strings.Repeat("1", 100),
	"an array too large":    "cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(J" + u32(1<<30) + "J" + u32(1<<30) + "tcnumpy\ndtype\n(S'f8'\ntR\x89C\x00tb.",
	"an array without data": "cnumpy.core.multiarray\n_reconstruct\n)R(K\x01(K\x08tcnumpy\ndtype\n(S'f8'\ntR\x89C\x04aaaatb.",
	"a type of itself":      "cnumpy\ndtype\n(S'V8'\ntRq\x00(K\x03S'|'\nN(S'a'\nt}(S'a'\n(h\x00K\x00tuK\x08K\x01K\x00tb.",
	"a field outside":       "cnumpy\ndtype\n(S'V8'\ntR(K\x03S'|'\nN(S'a'\nt}(S'a'\n(cnumpy\ndtype\n(S'f8'\ntRK\x04tuK\x08K\x01K\x00tb.",
	"a scalar too short":    "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\ntRC\x01atR.",
	"joblib, far too large": "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(S'dtype'\ncnumpy\ndtype\n(S'f8'\ntRS'shape'\n(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ftub.",
	"encode again and again": "\x80\x02c_codecs\nencode\nq\x00X" + u32(1<<20) + strings.Repeat("a", 1<<20) + "q\x01X\x06\x00\x00\x00latin1q\x02" +
		"(" + strings.Repeat("h\x00h\x01h\x02\x86R", 10000) + "l.",
	"lists of lists of lists": "(" + strings.Repeat("2", 5),
	"joblib within joblib":    strings.Repeat("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(S'dtype'\ncnumpy\ndtype\n(S'O8'\ntRS'shape'\n(K\x01tub", 50),
}

func TestHostilePicklesOnlyFail(t *testing.T) {
	for name, text := range hostile {
		start := time.Now()
		v, err := Load([]byte(text))
		if err == nil {
			t.Errorf("%s: gave %s", name, Describe(v))
			continue
		}
		if k := errs.KindOf(err); k != errs.Invalid && k != errs.Unsupported && k != errs.TooLarge {
			t.Errorf("%s: %v is of kind %v", name, err, k)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}

func TestNamesThatAreNotAllowedAreNamed(t *testing.T) {
	_, err := Load([]byte(hostile["os.system"]))
	if !errs.Is(err, errs.Unsupported) || !strings.Contains(err.Error(), "os.system") || !strings.Contains(err.Error(), "nothing of it was run") {
		t.Errorf("got %v", err)
	}
}

func TestZlibBombIsCut(t *testing.T) {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 300 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(b.Bytes()); !errs.Is(err, errs.TooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestLoadReadsEveryKindOfValue(t *testing.T) {
	for text, want := range map[string]string{
		"I42\n.": "42", "I01\n.": "true", "L-5L\n.": "-5", "F1.5\n.": "1.5", "N.": "<nil>", "\x88.": "true",
		"\x8a\x00.": "0", "\x8a\x01\xff.": "-1", "\x8a\x02\x00\x80.": "-32768", "J\xfe\xff\xff\xff.": "-2",
		"V\\u00e9\n.": "é", "S'a\\'b'\n.": "a'b", "U\x01\xe9.": "é", "C\x02ab.": "[97 98]",
		"K\x01K\x02\x86.": "[1 2]", "K\x01q\x05K\x020h\x05\x86.": "[1 1]", "(K\x01K\x021K\x07.": "7", "K\x0920K\x03.": "3",
		"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.": "18446744073709551616",
	} {
		v, err := Load([]byte(text))
		got := strings.TrimSpace(sprint(v))
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for name, text := range hostile {
		if name != "encode again and again" {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Load(data)
		if err != nil {
			return
		}
		if a, ok := v.(*Array); ok {
			_, _ = a.Values()
			_, _ = a.Floats()
		}
		_ = Describe(v)
	})
}
