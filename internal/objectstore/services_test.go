//go:build services

package objectstore

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/artifact/artifacttest"
)

var buckets atomic.Int64

func service(t *testing.T, name string) string {
	t.Helper()
	at := os.Getenv(name)
	if at == "" {
		t.Fatalf("%s is not set; run conformance/services.sh go test -tags services", name)
	}
	return at
}

func newName() string { return fmt.Sprintf("b%d-%d", os.Getpid(), buckets.Add(1)) }

func s3Env(at string) func(string) string {
	return func(name string) string {
		return map[string]string{"MLFLOW_S3_ENDPOINT_URL": at, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}[name]
	}
}

func TestS3(t *testing.T) {
	env := s3Env(service(t, "DRIVECAST_TEST_S3"))
	for _, prefix := range []string{"", "/some/prefix/"} {
		artifacttest.Run(t, func(t *testing.T) artifact.Store {
			bucket := newName()
			s, err := Open("s3://"+bucket+prefix, env)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.(*s3).core.MakeBucket(t.Context(), bucket, minio.MakeBucketOptions{}); err != nil {
				t.Fatal(err)
			}
			return s
		})
	}
}

// azureEnv has the account and the key that the emulator has for everyone.
func azureEnv(at string) func(string) string {
	text := "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=" + at + ";"
	return func(name string) string { return map[string]string{"AZURE_STORAGE_CONNECTION_STRING": text}[name] }
}

func TestAzure(t *testing.T) {
	env := azureEnv(service(t, "DRIVECAST_TEST_AZURITE"))
	for _, prefix := range []string{"", "/some/prefix"} {
		artifacttest.Run(t, func(t *testing.T) artifact.Store {
			s, err := Open("azure://"+newName()+prefix, env)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.(*azure).client.Create(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			return s
		})
	}
}

// TestMissingBucket wants a clear answer, and no key in it.
func TestMissingBucket(t *testing.T) {
	for uri, env := range map[string]func(string) string{
		"s3://nobody-has-this": s3Env(service(t, "DRIVECAST_TEST_S3")), "azure://nobody": azureEnv(service(t, "DRIVECAST_TEST_AZURITE")),
	} {
		s, err := Open(uri, env)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Put(t.Context(), "x", strings.NewReader("x"), 1)
		if !errs.Is(err, errs.NotFound) || len(err.Error()) > 300 || strings.Contains(err.Error(), "Eby8") {
			t.Errorf("%s: got %v", uri, err)
		}
	}
}
