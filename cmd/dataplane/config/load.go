package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// portKey is where flags of a port are kept until it is known which port is meant.
const portKey = "port"

// AddFlags defines the flags that Load reads: a plane's, and those of its services.
func AddFlags(f *pflag.FlagSet) {
	AddPlaneFlags(f)
	f.StringSlice("services", nil, "`NAME[=PORT],...` or none (default http=80,echo=7,discard=9,iperf3=5201)")
	f.Duration("drain", defaults().Drain, "how long work in progress may take at the end")
	f.String("control", "", "`PATH` at which other commands reach the plane, or none (default DATAPLANE_CONTROL, or control.sock in a directory of the user's)")
	f.Bool("stats", false, "print all counters at the end, as a line of JSON")
}

// AddPlaneFlags defines the flags of a plane alone.
func AddPlaneFlags(f *pflag.FlagSet) {
	d := defaults()
	f.StringP("config", "c", "", "YAML `FILE`; flags win over what it says")
	f.String("driver", "tap", "`DRIVER` of the port")
	f.String("device", "", "`DEVICE` that the driver opens, a TAP's name, say; it is created if there is none")
	f.StringSlice("addr", nil, "the plane's `ADDRESS/BITS`, IPv4 or IPv6; may be repeated")
	f.StringSlice("host-addr", nil, "`ADDRESS/BITS` that the kernel's side of a TAP gets")
	f.String("gateway", "", "default gateway's `ADDRESS`")
	f.String("gateway6", "", "default gateway's IPv6 `ADDRESS`, link-local or not")
	f.Int("mtu", 0, "`BYTES` of the greatest packet (default: the device's)")
	f.Int("queues", 0, "`N` queue pairs of the port (default 1)")
	f.Int("vlan", 0, "`ID` of the 802.1Q VLAN to live in")
	f.String("mac", "", "Ethernet `ADDRESS` (default: the device's or a random one)")
	f.StringToString("option", nil, "`NAME=VALUE` of the driver's own options")
	f.String("capture", "", "record the traffic in this pcapng `FILE`")
	f.String("impair", "", "spoil the traffic, by seed: `seed=7,lose=0.01,delay=20ms`...")
	f.Int("lcores", d.Lcores, "`N` polling threads")
	f.IntSlice("cpus", nil, "`CPU,...` to run them on, one lcore each")
	f.String("mode", d.Mode, "how lcores run: auto, locked or shared")
	f.String("idle", d.Idle, "what lcores do without work: adaptive, spin or sleep")
	f.Bool("elastic", false, "gather the flows on as few lcores as the load needs")
	f.Bool("realtime", false, "locked lcores go before ordinary threads of the machine (SCHED_FIFO)")
	f.Int("buffers", 0, "`N` packet buffers for each lcore (default 8192)")
	f.StringSlice("dns", nil, "name server's `ADDRESS`")
	f.String("log", d.Log, "what to log: debug, info, warn or error")
}

// portFlags maps the flags of a port to its settings.
func portFlags() map[string]string {
	return map[string]string{
		"driver": "driver", "device": "device", "addr": "addrs", "host-addr": "host-addr", "gateway": "gateway", "gateway6": "gateway6", "mtu": "mtu",
		"queues": "queues", "vlan": "vlan", "mac": "mac", "option": "options", "capture": "capture", "impair": "impair",
	}
}

// Load reads the file that the flags name, if any, and the flags.
func Load(flags *pflag.FlagSet) (*Config, error) {
	k := koanf.New("/")
	name, err := flags.GetString("config")
	if err != nil {
		return nil, err
	}
	if name != "" {
		if err := k.Load(file.Provider(name), yaml.Parser()); err != nil {
			return nil, fileError(name, err)
		}
		if _, err := decode(k); err != nil { // now, while every mistake is the file's
			return nil, fileError(name, err)
		}
	}
	if err := k.Load(posflag.ProviderWithFlag(flags, "/", nil, func(f *pflag.Flag) (string, any) { return flagValue(flags, f) }), nil); err != nil {
		return nil, err
	}
	if err := mergePort(k); err != nil {
		return nil, err
	}
	return decode(k)
}

// flagValue returns where a flag belongs and what it says; "" is nowhere.
func flagValue(set *pflag.FlagSet, f *pflag.Flag) (string, any) {
	if key, ok := portFlags()[f.Name]; ok {
		return portKey + "/" + key, posflag.FlagVal(set, f)
	}
	switch f.Name {
	case "config", "help":
		return "", nil
	case "services":
		list, _ := set.GetStringSlice(f.Name) // it is one
		return f.Name, services(list)
	}
	return f.Name, posflag.FlagVal(set, f)
}

// services turns http=80,http=8080,echo into what the file would say.
func services(list []string) map[string]any {
	m := map[string]any{}
	for _, item := range list {
		name, port, _ := strings.Cut(item, "=")
		if item == "none" {
			continue
		}
		ports, _ := m[name].([]any)
		m[name] = append(ports, port)
	}
	return m
}

// mergePort applies the flags of a port to the only one there is.
func mergePort(k *koanf.Koanf) error {
	from, _ := k.Get(portKey).(map[string]any)
	k.Delete(portKey)
	if len(from) == 0 {
		return nil
	}
	ports, _ := k.Get("ports").([]any)
	if len(ports) > 1 {
		return fmt.Errorf("flags of a port were given, but the file has %d ports: write them there", len(ports))
	}
	to := map[string]any{}
	if len(ports) == 1 {
		if m, ok := ports[0].(map[string]any); ok {
			to = m
		}
	}
	for key, v := range from {
		to[key] = v
	}
	return k.Set("ports", []any{to})
}

// decode fills a Config. A name that it does not know is an error.
func decode(k *koanf.Koanf) (*Config, error) {
	c := defaults()
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: &c, ErrorUnused: true, WeaklyTypedInput: true, ZeroFields: true,
		DecodeHook: mapstructure.StringToTimeDurationHookFunc(),
	}})
	if err != nil {
		return nil, plain(err)
	}
	if k.Exists("services") && c.Services == nil {
		c.Services = map[string][]string{}
	}
	return &c, nil
}

// plain takes the headline and the quotes off a decoder's error: one line for each
// mistake is left.
func plain(err error) error {
	var out []error
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "decoding failed") {
			continue
		}
		line = strings.NewReplacer(" cannot parse value as ", ": want ", ": strconv.ParseInt: invalid syntax", "", "'", "").Replace(line)
		line = strings.Replace(line, " has invalid keys:", ": unknown setting", 1)
		out = append(out, errors.New(strings.TrimPrefix(line, ": ")))
	}
	return errors.Join(out...)
}

// fileError puts the file's name before each line.
func fileError(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("cannot read %s: %w", name, path.Err)
	}
	var out []error
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(strings.TrimPrefix(line, "yaml: ")); line != "" && line != "unmarshal errors:" {
			out = append(out, fmt.Errorf("%s: %s", name, line))
		}
	}
	return errors.Join(out...)
}
