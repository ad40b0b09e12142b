package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/drivecast/drivecast/errs"
)

// The kinds of what refers to an image.
const (
	SBOMType       = "application/vnd.cyclonedx+json"
	ProvenanceType = "application/vnd.in-toto+json"
)

func (o Options) finish(img v1.Image, scorer *scorerFile, model *layer) (*Built, error) {
	b := &Built{Image: img}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, errs.Wrap(err, "make the manifest")
	}
	if b.Digest, err = img.Digest(); err != nil {
		return nil, errs.Wrap(err, "make the manifest")
	}
	for _, l := range manifest.Layers {
		b.Size += l.Size
	}
	size, err := img.Size()
	if err != nil {
		return nil, errs.Wrap(err, "make the manifest")
	}
	subject := v1.Descriptor{MediaType: manifest.MediaType, Digest: b.Digest, Size: size}
	for _, doc := range []struct {
		kind  string
		value any
	}{{SBOMType, o.materials(scorer, model)}, {ProvenanceType, o.provenance(b.Digest, scorer, model)}} {
		text, err := json.Marshal(doc.value)
		if err != nil {
			return nil, errs.Wrap(err, "write %s", doc.kind)
		}
		r, err := newReferrer(doc.kind, text, subject)
		if err != nil {
			return nil, err
		}
		b.Referrers = append(b.Referrers, r)
	}
	return b, nil
}

// newReferrer makes an artifact that points at an image. Its config has the kind as
// its media type, which is how registries know it.
func newReferrer(kind string, text []byte, subject v1.Descriptor) (v1.Image, error) {
	sum := sha256.Sum256(text)
	blob := &plainBlob{text, hashOf(sum[:]), types.MediaType(kind)}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.MediaType(kind))
	img, err := mutate.Append(img, mutate.Addendum{Layer: blob, MediaType: types.MediaType(kind)})
	if err != nil {
		return nil, errs.Wrap(err, "attach %s", kind)
	}
	out, ok := mutate.Subject(img, subject).(v1.Image)
	if !ok {
		return nil, errs.New(errs.Internal, "attach %s: no image came back", kind)
	}
	return out, nil
}

// plainBlob is a document in place of a layer.
type plainBlob struct {
	text   []byte
	digest v1.Hash
	kind   types.MediaType
}

// Digest returns the hash of the document.
func (p *plainBlob) Digest() (v1.Hash, error) { return p.digest, nil }

// DiffID returns the same: nothing is compressed.
func (p *plainBlob) DiffID() (v1.Hash, error) { return p.digest, nil }

// Compressed returns the document.
func (p *plainBlob) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(p.text)), nil
}

// Uncompressed returns the document.
func (p *plainBlob) Uncompressed() (io.ReadCloser, error) { return p.Compressed() }

// Size returns the length of the document.
func (p *plainBlob) Size() (int64, error) { return int64(len(p.text)), nil }

// MediaType returns the kind of the document.
func (p *plainBlob) MediaType() (types.MediaType, error) { return p.kind, nil }

type object = map[string]any

// materials is the bill of materials, CycloneDX 1.5: the scorer, the modules it
// was built of, and the model.
func (o Options) materials(scorer *scorerFile, model *layer) object {
	golang := "pkg:golang/std@" + strings.TrimPrefix(scorer.info.GoVersion, "go")
	list := []object{
		{"type": "application", "bom-ref": "scorer", "name": "drivecast-score", "version": scorer.info.Main.Version, "hashes": []object{{"alg": "SHA-256", "content": scorer.sum}}},
		{"type": "machine-learning-model", "bom-ref": "model", "name": "model", "version": o.Source, "hashes": []object{{"alg": "SHA-256", "content": model.diff.Hex}}},
		{"type": "library", "bom-ref": golang, "name": "std", "version": strings.TrimPrefix(scorer.info.GoVersion, "go"), "purl": golang},
	}
	needs := []string{golang}
	for _, d := range scorer.info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		purl := "pkg:golang/" + d.Path + "@" + d.Version
		list = append(list, object{"type": "library", "bom-ref": purl, "name": d.Path, "version": d.Version, "purl": purl})
		needs = append(needs, purl)
	}
	slices.Sort(needs)
	id := sha256.Sum256([]byte(scorer.sum + model.diff.Hex))
	return object{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"serialNumber": serial(id),
		"metadata":     object{"timestamp": o.Created.Format(time.RFC3339), "component": object{"type": "container", "name": "drivecast-score"}},
		"components":   list, "dependencies": []object{{"ref": "scorer", "dependsOn": needs}},
	}
}

// provenance says what the image was made of, as an in-toto statement of SLSA.
func (o Options) provenance(image v1.Hash, scorer *scorerFile, model *layer) object {
	from := []object{
		{"name": "drivecast-score", "digest": object{"sha256": scorer.sum}},
		{"name": "model", "uri": o.Source, "digest": object{"sha256": model.diff.Hex}},
	}
	if o.Base != nil {
		if d, err := o.Base.Digest(); err == nil {
			from = append(from, object{"name": "base", "uri": o.BaseRef, "digest": object{"sha256": d.Hex}})
		}
	}
	return object{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
		"subject": []object{{"name": "drivecast-score", "digest": object{"sha256": image.Hex}}},
		"predicate": object{
			"buildDefinition": object{
				"buildType":            "https://github.com/drivecast/drivecast/image-build/v1",
				"externalParameters":   object{"platform": o.OS + "/" + o.Arch, "port": o.Port, "model": o.Source, "base": o.BaseRef},
				"resolvedDependencies": from,
			},
			"runDetails": object{"builder": object{"id": "https://github.com/drivecast/drivecast", "version": object{"drivecast": o.Version}}},
		},
	}
}

// serial makes a UUID of version 8, that of names of one's own making.
func serial(id [sha256.Size]byte) string {
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
