package azure

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drivecast/drivecast/errs"
)

// Uploaded is a folder in the workspace's storage.
type Uploaded struct {
	ID  string // ARM id of the code version, for codeId
	URI string // of the folder, for data inputs and models
}

// Upload puts a folder into the workspace's storage as code NAME, version 1, and
// registers it. The name says what is in it (a hash): a folder that is there is
// not sent again.
func (c *Client) Upload(ctx context.Context, name, dir string) (Uploaded, error) {
	codes := c.factory.NewCodeVersionsClient()
	const version = "1"
	known, err := codes.Get(ctx, c.at.Group, c.at.Name, name, version, nil)
	if err == nil && known.Properties != nil && known.Properties.CodeURI != nil {
		return Uploaded{ID: deref(known.ID), URI: *known.Properties.CodeURI}, nil
	}
	if err != nil && !errs.Is(failed(err, "look for the code"), errs.NotFound) {
		return Uploaded{}, failed(err, "look for the code")
	}
	pending, err := codes.CreateOrGetStartPendingUpload(ctx, c.at.Group, c.at.Name, name, version,
		armmachinelearning.PendingUploadRequestDto{PendingUploadType: to.Ptr(armmachinelearning.PendingUploadTypeTemporaryBlobReference)}, nil)
	if err != nil {
		return Uploaded{}, failed(err, "ask where to upload")
	}
	ref := pending.BlobReferenceForConsumption
	if ref == nil || ref.BlobURI == nil {
		return Uploaded{}, errs.New(errs.Unavailable, "Azure names no place to upload to")
	}
	key, ok := ref.Credential.(*armmachinelearning.SASCredentialDto)
	if !ok || key.SasURI == nil {
		return Uploaded{}, errs.New(errs.Unsupported, "the workspace's storage gives out no SAS; allow keys on the storage account")
	}
	if err := c.send(ctx, *key.SasURI, dir); err != nil {
		return Uploaded{}, err
	}
	made, err := codes.CreateOrUpdate(ctx, c.at.Group, c.at.Name, name, version, armmachinelearning.CodeVersion{
		Properties: &armmachinelearning.CodeVersionProperties{CodeURI: ref.BlobURI, IsAnonymous: to.Ptr(true)},
	}, nil)
	if err != nil {
		return Uploaded{}, failed(err, "register the code")
	}
	return Uploaded{ID: deref(made.ID), URI: *ref.BlobURI}, nil
}

// send uploads the files below dir into a container that the address opens.
func (c *Client) send(ctx context.Context, address, dir string) error {
	store, err := container.NewClientWithNoCredential(address, &container.ClientOptions{ClientOptions: c.conn.clientOptions()})
	if err != nil {
		return errs.Wrap(err, "reach the storage")
	}
	return errs.Wrap(filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = store.NewBlockBlobClient(filepath.ToSlash(rel)).UploadFile(ctx, f, nil)
		return failed(err, "upload %s", rel)
	}), "upload %s", dir)
}

// Fetch downloads what stands below a path of a datastore into dir, and returns
// how many files that were.
func (c *Client) Fetch(ctx context.Context, datastore, prefix, dir string) (int, error) {
	store, err := c.datastore(ctx, datastore)
	if err != nil {
		return 0, err
	}
	n := 0
	pages := store.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: to.Ptr(prefix)})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, failed(err, "list %s", prefix)
		}
		for _, item := range page.Segment.BlobItems {
			name := deref(item.Name)
			rel := filepath.FromSlash(strings.TrimPrefix(strings.TrimPrefix(name, prefix), "/"))
			if !filepath.IsLocal(rel) {
				return n, errs.New(errs.Invalid, "the storage names a file outside its folder: %q", name)
			}
			if err := fetch(ctx, store, name, filepath.Join(dir, rel)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// ReadFile reads one small file below an address of the storage: of a datastore, or of a
// blob container that the login opens. A file that is not there is of kind NotFound.
func (c *Client) ReadFile(ctx context.Context, address, name string) ([]byte, error) {
	var file *blob.Client
	if _, rest, ok := strings.Cut(address, "datastores/"); ok && strings.HasPrefix(address, "azureml://") {
		datastore, path, _ := strings.Cut(rest, "/paths/")
		store, err := c.datastore(ctx, datastore)
		if err != nil {
			return nil, err
		}
		file = store.NewBlobClient(strings.Trim(path, "/") + "/" + name)
	} else {
		var err error
		if file, err = blob.NewClient(strings.TrimSuffix(address, "/")+"/"+name, c.cred, &blob.ClientOptions{ClientOptions: c.conn.clientOptions()}); err != nil {
			return nil, errs.Wrap(err, "reach %s", address)
		}
	}
	got, err := file.DownloadStream(ctx, nil)
	if err != nil {
		return nil, failed(err, "read %s", name)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, 4<<20))
	return text, errs.Wrap(err, "read %s", name)
}

func fetch(ctx context.Context, store *container.Client, name, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return errs.Wrap(err, "make the folder of %s", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return errs.Wrap(err, "make %s", path)
	}
	defer os.Remove(f.Name())
	_, err = store.NewBlobClient(name).DownloadFile(ctx, f, nil)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return failed(err, "download %s", name)
	}
	return errs.Wrap(os.Rename(f.Name(), path), "keep %s", path)
}

// datastore opens the container behind a datastore of Azure blobs.
func (c *Client) datastore(ctx context.Context, name string) (*container.Client, error) {
	stores := c.factory.NewDatastoresClient()
	got, err := stores.Get(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return nil, failed(err, "datastore %s", name)
	}
	blobs, ok := got.Properties.(*armmachinelearning.AzureBlobDatastore)
	if !ok {
		return nil, errs.New(errs.Unsupported, "datastore %s holds no Azure blobs", name)
	}
	address := "https://" + deref(blobs.AccountName) + ".blob." + deref(blobs.Endpoint) + "/" + deref(blobs.ContainerName)
	if c.conn.local() {
		address = c.conn.Endpoint + "/blob/" + deref(blobs.ContainerName)
	}
	options := azcore.ClientOptions(c.conn.clientOptions())
	secrets, err := stores.ListSecrets(ctx, c.at.Group, c.at.Name, name, nil)
	if err != nil {
		return nil, failed(err, "secrets of datastore %s", name)
	}
	switch s := secrets.DatastoreSecretsClassification.(type) {
	case *armmachinelearning.SasDatastoreSecrets:
		store, err := container.NewClientWithNoCredential(address+"?"+strings.TrimPrefix(deref(s.SasToken), "?"), &container.ClientOptions{ClientOptions: options})
		return store, errs.Wrap(err, "reach datastore %s", name)
	case *armmachinelearning.AccountKeyDatastoreSecrets:
		key, err := container.NewSharedKeyCredential(deref(blobs.AccountName), deref(s.Key))
		if err != nil {
			return nil, errs.New(errs.Invalid, "datastore %s has a key that is none", name)
		}
		store, err := container.NewClientWithSharedKeyCredential(address, key, &container.ClientOptions{ClientOptions: options})
		return store, errs.Wrap(err, "reach datastore %s", name)
	}
	store, err := container.NewClient(address, c.cred, &container.ClientOptions{ClientOptions: options})
	return store, errs.Wrap(err, "reach datastore %s", name)
}

func deref[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}
