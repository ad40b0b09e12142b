package route

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// LogConfig says where and how much an inference log is written.
type LogConfig struct {
	Path   string                                  // folder; or a file's name, which every file of the log begins with
	Format string                                  // "parquet" or "jsonl"; "": by the name of Path, else jsonl
	Sample float64                                 // share of requests, 0 to 1, chosen by their correlation ids
	Key    string                                  // column that holds a drive's id; "": serial_number
	Every  time.Duration                           // a file is closed after this long; 0: 1 min
	Bytes  int64                                   // and at this many bytes in memory; 0: 8 MiB
	Write  func(path string, t *table.Table) error // of a Parquet file; nil: that format is not offered
	Queue  int                                     // requests that wait to be written; 0: 4096
	Now    func() time.Time
	Logger *slog.Logger
}

// Log is an inference log. Files appear whole, under names that tell their time.
// Who is answered never waits for it: what does not fit the queue is dropped and
// counted. It is safe for concurrent use.
type Log struct {
	cfg     LogConfig
	queue   chan *Record
	holding atomic.Int64 // bytes in the queue
	dir     string
	prefix  string
	number  int // of the next file
	folders map[string]bool

	rows, dropped, files, failed prometheus.Counter
}

// queueBytes is how much the requests in the queue may hold on to.
const queueBytes = 64 << 20

// NewLog makes a log; Run writes it. Errors are of kind Usage.
func NewLog(cfg LogConfig) (*Log, error) {
	if !(cfg.Sample >= 0 && cfg.Sample <= 1) {
		return nil, errs.New(errs.Usage, "the sample of the inference log is %v; it is a share from 0 to 1", cfg.Sample)
	}
	l := &Log{dir: cfg.Path, folders: map[string]bool{}}
	switch ext := filepath.Ext(cfg.Path); ext {
	case ".parquet", ".jsonl":
		if cfg.Format == "" {
			cfg.Format = ext[1:]
		}
		l.dir, l.prefix = filepath.Dir(cfg.Path), strings.TrimSuffix(filepath.Base(cfg.Path), ext)+"-"
	}
	if cfg.Format == "" {
		cfg.Format = "jsonl"
	}
	if cfg.Format != "jsonl" && cfg.Format != "parquet" {
		return nil, errs.New(errs.Usage, "there is no log format %q; parquet and jsonl are", cfg.Format)
	}
	if cfg.Format == "parquet" && cfg.Write == nil {
		return nil, errs.New(errs.Usage, "this program is built without Parquet: write the inference log as jsonl, or use drivecast serve")
	}
	if cfg.Key == "" {
		cfg.Key = "serial_number"
	}
	if cfg.Every <= 0 {
		cfg.Every = time.Minute
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 8 << 20
	}
	if cfg.Queue <= 0 {
		cfg.Queue = 4096
	}
	l.cfg, l.queue = cfg, make(chan *Record, cfg.Queue)
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "drivecast_inference_log_" + name, Help: help})
	}
	l.rows, l.dropped = counter("rows_total", "Rows that were written to the inference log."), counter("dropped_total", "Sampled requests that were not logged, since too many waited.")
	l.files, l.failed = counter("files_total", "Files of the inference log."), counter("failed_rows_total", "Rows that could not be written.")
	return l, nil
}

// Key is the column that holds a drive's id.
func (l *Log) Key() string { return l.cfg.Key }

// Wants reports whether the request of this correlation id is in the sample and there
// is room for it; what there is no room for is counted as dropped.
func (l *Log) Wants(id string) bool {
	if float64(mix(hash(14695981039346656037, id))>>11)/(1<<53) >= l.cfg.Sample {
		return false
	}
	if len(l.queue) == cap(l.queue) || l.holding.Load() > queueBytes {
		l.dropped.Inc()
		return false
	}
	return true
}

// Put queues a record, or drops it when too many wait. It does not block.
func (l *Log) Put(r *Record) {
	n := r.size()
	if l.holding.Add(n) <= queueBytes {
		select {
		case l.queue <- r:
			return
		default:
		}
	}
	l.holding.Add(-n)
	l.dropped.Inc()
}

// Run writes the log until ctx ends, and then what still waits.
func (l *Log) Run(ctx context.Context) {
	var held []*Record
	var size int64
	tick := time.NewTicker(l.cfg.Every)
	defer tick.Stop()
	take := func(r *Record) {
		n := r.size()
		l.holding.Add(-n)
		held, size = append(held, r), size+n
		if size >= l.cfg.Bytes {
			l.write(held)
			held, size = nil, 0
		}
	}
	for {
		select {
		case r := <-l.queue:
			take(r)
		case <-tick.C:
			l.write(held)
			held, size = nil, 0
		case <-ctx.Done():
			for {
				select {
				case r := <-l.queue:
					take(r)
					continue
				default:
				}
				l.write(held)
				return
			}
		}
	}
}

// write makes files of records. What cannot be written is counted and told: it
// stops no answer.
func (l *Log) write(records []*Record) {
	if len(records) == 0 {
		return
	}
	rows := 0
	for _, r := range records {
		rows += r.Rows
	}
	var files int
	var err error
	if l.cfg.Format == "parquet" {
		files, err = l.writeParquet(records)
	} else {
		files, err = l.writeJSONL(records)
	}
	l.files.Add(float64(files))
	if err != nil {
		l.failed.Add(float64(rows))
		l.cfg.Logger.Error("the inference log was not written", "rows", rows, "error", err)
		return
	}
	l.rows.Add(float64(rows))
}

// name returns the path of the next file, below dir: its time, then a number.
func (l *Log) name(at time.Time, ext string) string {
	l.number++
	return l.prefix + at.UTC().Format("20060102T150405.000000000Z") + "-" + itoa4(l.number) + ext
}

// Describe names the measures of the log.
func (l *Log) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(l, to) }

// Collect measures the log.
func (l *Log) Collect(to chan<- prometheus.Metric) {
	for _, c := range []prometheus.Counter{l.rows, l.dropped, l.files, l.failed} {
		to <- c
	}
}
