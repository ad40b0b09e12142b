package jobtest_test

import (
	"testing"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/jobtest"
)

func TestMemory(t *testing.T) {
	jobtest.Suite(t, func(*testing.T) job.Store { return jobtest.NewMemory() })
}

func TestMemoryCatalog(t *testing.T) { jobtest.CatalogSuite(t, jobtest.NewMemory()) }
