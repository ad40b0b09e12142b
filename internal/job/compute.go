package job

import (
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Compute is an amlCompute document, typed.
type Compute struct {
	Name, Description, Size, Tier, Location string
	Min, Max                                int // nodes; Max 0 when not said
	Idle                                    time.Duration
	IdleGiven                               bool
	Tags                                    map[string]string
}

// Compute checks the document and returns it typed. Another kind is of kind
// Unsupported.
func (d *Document) Compute() (*Compute, error) {
	if err := d.Check().Err(); err != nil {
		return nil, err
	}
	if d.Kind != KindAmlCompute {
		return nil, errs.New(errs.Unsupported, "%s: %s is no amlCompute", d.File, kindName(d.Kind))
	}
	a := at{node: d.root}
	idle := a.child("idle_time_before_scale_down")
	return &Compute{
		Name: a.text("name"), Description: a.text("description"), Size: a.text("size"), Tier: a.text("tier"), Location: a.text("location"),
		Min: a.integer("min_instances"), Max: a.integer("max_instances"), Tags: d.texts(a.child("tags")),
		Idle: time.Duration(a.integer("idle_time_before_scale_down")) * time.Second, IdleGiven: idle.exists(),
	}, nil
}

func amlCompute() *shape {
	return object("amlCompute", head(), fields(
		opt("type", enum("amlcompute")), opt("size", str()), opt("location", str()), opt("resource_id", str()),
		opt("tier", enum("dedicated", "low_priority")), opt("min_instances", integer().atLeast(0)), opt("max_instances", integer().atLeast(0)),
		opt("idle_time_before_scale_down", integer().atLeast(0).says("seconds")), opt("ssh_public_access_enabled", boolean()),
		opt("ssh_settings", object("", fields(req("admin_username", str()), opt("admin_password", str()), opt("ssh_key_value", str())))),
		opt("network_settings", object("", fields(opt("vnet_name", str()), opt("subnet", str())))),
		opt("enable_node_public_ip", boolean()), opt("identity", identity()),
	)).checked(func(c *checker, a at) {
		lo, hi := a.integer("min_instances"), a.child("max_instances")
		if !a.child("name").exists() {
			c.fault(a.child("name"), "add `name:`", "the required field is missing")
		}
		if hi.exists() && a.integer("max_instances") < lo {
			c.fault(hi, "write at least min_instances", "%s is less than min_instances, %d", hi.node.Value, lo)
		}
	})
}
