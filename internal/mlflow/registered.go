package mlflow

import (
	"strconv"

	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

var registryRoutes = []at{
	{"POST", "registered-models/create", makesModel, "name!:string tags:array description:string", createRegistered},
	{"POST", "registered-models/rename", ofModel(auth.Edit), "name!:string new_name!:string", func(c *call) error {
		return c.registered(c.h.Models.RenameModel(c.r.Context(), c.str("name"), c.str("new_name")))
	}},
	{"PATCH", "registered-models/update", ofModel(auth.Edit), "name!:string description:string", func(c *call) error {
		return c.registered(c.h.Models.DescribeModel(c.r.Context(), c.str("name"), c.str("description")))
	}},
	{"DELETE", "registered-models/delete", ofModel(auth.Manage), "name!:string", func(c *call) error {
		return c.done(c.h.Models.DeleteModel(c.r.Context(), c.str("name")))
	}},
	{"GET", "registered-models/history", ofModel(auth.Read), "name!:string alias:string at:int", modelHistory},
	{"GET", "registered-models/get", ofModel(auth.Read), "name!:string", func(c *call) error {
		return c.registered(c.h.Models.Model(c.r.Context(), c.str("name")))
	}},
	{"GET POST", "registered-models/search", anyone, "filter:string max_results:int order_by:strings page_token:string", searchRegistered},
	{"GET POST", "registered-models/get-latest-versions", ofModel(auth.Read), "name!:string stages:strings", getLatestVersions},
	{"POST", "registered-models/set-tag", ofModel(auth.Edit), "name!:string key!:string value:string", func(c *call) error {
		err := c.h.Models.SetModelTag(c.r.Context(), c.str("name"), registry.Tag{Key: c.str("key"), Value: c.str("value")})
		return c.fired(err, "REGISTERED_MODEL_TAG", "SET", "name", "key", "value")
	}},
	{"DELETE", "registered-models/delete-tag", ofModel(auth.Edit), "name!:string key!:string", func(c *call) error {
		return c.fired(c.h.Models.DeleteModelTag(c.r.Context(), c.str("name"), c.str("key")), "REGISTERED_MODEL_TAG", "DELETED", "name", "key")
	}},
	{"POST", "registered-models/alias", ofModel(auth.Edit), "name!:string alias!:string version!:string", func(c *call) error {
		return c.fired(c.h.Models.SetAlias(c.r.Context(), c.str("name"), c.str("alias"), c.str("version")), "MODEL_VERSION_ALIAS", "CREATED", "name", "alias", "version")
	}},
	{"DELETE", "registered-models/alias", ofModel(auth.Manage), "name!:string alias!:string", func(c *call) error {
		return c.fired(c.h.Models.DeleteAlias(c.r.Context(), c.str("name"), c.str("alias")), "MODEL_VERSION_ALIAS", "DELETED", "name", "alias")
	}},
	{"GET", "registered-models/alias", ofModel(auth.Read), "name!:string alias!:string", func(c *call) error {
		return c.version(c.h.Models.VersionByAlias(c.r.Context(), c.str("name"), c.str("alias")))
	}},
	{"POST", "model-versions/create", makesVersion, "name!:string source!:string run_id:string tags:array run_link:string description:string model_id:string", createVersion},
	{"PATCH", "model-versions/update", ofModel(auth.Edit), "name!:string version!:string description:string", func(c *call) error {
		return c.version(c.h.Models.DescribeVersion(c.r.Context(), c.str("name"), c.str("version"), c.str("description")))
	}},
	{"POST", "model-versions/transition-stage", ofModel(auth.Edit), "name!:string version!:string stage!:string archive_existing_versions:bool", func(c *call) error {
		return c.version(c.h.Models.StageVersion(c.r.Context(), c.str("name"), c.str("version"), c.str("stage"), c.flag("archive_existing_versions")))
	}},
	{"DELETE", "model-versions/delete", ofModel(auth.Manage), "name!:string version!:string", func(c *call) error {
		return c.done(c.h.Models.DeleteVersion(c.r.Context(), c.str("name"), c.str("version")))
	}},
	{"GET", "model-versions/get", ofModel(auth.Read), "name!:string version!:string", func(c *call) error {
		return c.version(c.h.Models.Version(c.r.Context(), c.str("name"), c.str("version")))
	}},
	{"GET POST", "model-versions/search", anyone, "filter:string max_results:int order_by:strings page_token:string", searchVersions},
	{"GET", "model-versions/get-download-uri", ofModel(auth.Read), "name!:string version!:string", getDownloadURI},
	{"POST", "model-versions/set-tag", ofModel(auth.Edit), "name!:string version!:string key!:string value:string", func(c *call) error {
		err := c.h.Models.SetVersionTag(c.r.Context(), c.str("name"), c.str("version"), registry.Tag{Key: c.str("key"), Value: c.str("value")})
		return c.fired(err, "MODEL_VERSION_TAG", "SET", "name", "version", "key", "value")
	}},
	{"DELETE", "model-versions/delete-tag", ofModel(auth.Manage), "name!:string version!:string key!:string", func(c *call) error {
		return c.fired(c.h.Models.DeleteVersionTag(c.r.Context(), c.str("name"), c.str("version"), c.str("key")), "MODEL_VERSION_TAG", "DELETED", "name", "version", "key")
	}},
}

func (e *encoder) registryTags(list []registry.Tag) {
	tags := make([]tracking.Tag, len(list))
	for i, t := range list {
		tags[i] = tracking.Tag(t)
	}
	e.tags("tags", tags)
}

func (e *encoder) registered(m *registry.Model) {
	e.open('{')
	e.text("name", m.Name)
	e.int("creation_timestamp", m.Created)
	e.int("last_updated_timestamp", m.Updated)
	e.some("description", m.Description)
	if len(m.Latest) > 0 {
		e.key("latest_versions")
		e.open('[')
		for i := range m.Latest {
			e.version(&m.Latest[i])
		}
		e.close(']')
	}
	e.registryTags(m.Tags)
	if len(m.Aliases) > 0 {
		e.key("aliases")
		e.open('[')
		for _, a := range m.Aliases {
			e.open('{')
			e.text("alias", a.Alias)
			e.text("version", a.Version)
			e.close('}')
		}
		e.close(']')
	}
	e.close('}')
}

func (e *encoder) version(v *registry.Version) {
	e.open('{')
	e.text("name", v.Name)
	e.text("version", strconv.FormatInt(v.Number, 10))
	e.int("creation_timestamp", v.Created)
	e.int("last_updated_timestamp", v.Updated)
	e.some("user_id", v.UserID)
	e.text("current_stage", v.Stage)
	e.text("description", v.Description)
	e.text("source", v.Source)
	e.text("run_id", v.RunID)
	e.text("status", v.Status)
	e.some("status_message", v.Message)
	e.registryTags(v.Tags)
	e.text("run_link", v.RunLink)
	if len(v.Aliases) > 0 {
		e.key("aliases")
		e.open('[')
		for _, a := range v.Aliases {
			e.quote(a)
			e.raw(",")
		}
		e.close(']')
	}
	e.some("model_id", v.ModelID)
	e.close('}')
}

func (c *call) registered(m *registry.Model, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("registered_model")
		e.registered(m)
		e.close('}')
		e.end()
	})
}

func (c *call) version(v *registry.Version, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("model_version")
		e.version(v)
		e.close('}')
		e.end()
	})
}

func (c *call) versions(n int, at func(int) *registry.Version, next string) error {
	return c.reply(func(e *encoder) {
		e.open('{')
		if n > 0 {
			e.key("model_versions")
			e.open('[')
			for i := range n {
				e.version(at(i))
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func (c *call) registryTags(name string) ([]registry.Tag, error) {
	list, err := c.tagList(name)
	out := make([]registry.Tag, len(list))
	for i, t := range list {
		out[i] = registry.Tag(t)
	}
	return out, err
}

func createRegistered(c *call) error {
	tags, err := c.registryTags("tags")
	if err != nil {
		return err
	}
	m, err := c.h.Models.CreateModel(c.r.Context(), c.str("name"), c.str("description"), tags)
	if err == nil {
		c.h.fire(c.r.Context(), "REGISTERED_MODEL", "CREATED", m.Name, map[string]any{"name": m.Name, "tags": tagMap(m.Tags), "description": orNull(m.Description)})
	}
	return c.registered(m, err)
}

func (c *call) registrySearch() (registry.Search, error) {
	s, err := c.search("")
	return registry.Search{Filter: s.Filter, OrderBy: s.OrderBy, Limit: s.Limit, Token: s.Token}, err
}

func searchRegistered(c *call) error {
	s, err := c.registrySearch()
	if err != nil {
		return err
	}
	page, next, err := c.h.Records().SearchModels(c.r.Context(), s)
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		if len(page) > 0 {
			e.key("registered_models")
			e.open('[')
			for _, m := range page {
				e.registered(m)
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

func getLatestVersions(c *call) error {
	list, err := c.h.Models.LatestVersions(c.r.Context(), c.str("name"), c.strs("stages"))
	if err != nil {
		return err
	}
	return c.versions(len(list), func(i int) *registry.Version { return &list[i] }, "")
}

func createVersion(c *call) error {
	tags, err := c.registryTags("tags")
	if err != nil {
		return err
	}
	v, err := c.h.Models.CreateVersion(c.r.Context(), registry.NewVersion{
		Name: c.str("name"), Source: c.str("source"), RunID: c.str("run_id"), RunLink: c.str("run_link"),
		Description: c.str("description"), ModelID: c.str("model_id"), Tags: tags, UserID: c.sender(),
	})
	if err == nil && v.ModelID != "" {
		err = c.h.noteRegistration(c.r.Context(), v)
	}
	if err == nil {
		c.h.fireVersion(c.r.Context(), v)
	}
	return c.version(v, err)
}

func searchVersions(c *call) error {
	s, err := c.registrySearch()
	if err != nil {
		return err
	}
	page, next, err := c.h.Records().SearchVersions(c.r.Context(), s)
	if err != nil {
		return err
	}
	return c.versions(len(page), func(i int) *registry.Version { return page[i] }, next)
}

func getDownloadURI(c *call) error {
	v, err := c.h.Models.Version(c.r.Context(), c.str("name"), c.str("version"))
	if err != nil {
		return err
	}
	return c.json(map[string]string{"artifact_uri": v.Storage})
}
