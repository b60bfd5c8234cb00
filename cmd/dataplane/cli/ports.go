package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dataplane/pmd/pci"
)

func newPorts() *cobra.Command {
	var probe, asJSON bool
	c := &cobra.Command{
		Use:   "ports --probe",
		Short: "List the PCI network devices that a plane could use",
		Long: `ports --probe lists the PCI network devices of this machine: model, the driver of
DPDK that takes it, the kernel driver that has it now, NUMA node, IOMMU group and
network interfaces. It only reads; where a device must be bound first, the last
lines say how. A ready device is opened with driver dpdk and its address as the device.`,
		Example: `  dataplane ports --probe
  dataplane ports --probe --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !probe {
				return usage{errors.New("ports: give --probe (looking into a running plane is not there yet)")}
			}
			return printDevices(c.OutOrStdout(), pci.SysFS, asJSON)
		},
	}
	c.Flags().BoolVar(&probe, "probe", false, "list the devices of this machine")
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// printDevices prints the devices below sysfs.
func printDevices(w io.Writer, sysfs string, asJSON bool) error {
	all, err := pci.List(sysfs)
	if err != nil {
		return err
	}
	if asJSON {
		if all == nil {
			all = []pci.Device{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "no PCI network device")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ADDRESS\tPCI ID\tMODEL\tPMD\tKERNEL DRIVER\tNUMA\tIOMMU GROUP\tINTERFACES\tREADY")
	for i := range all {
		d := &all[i]
		ready := map[bool]string{true: "yes", false: "no"}[d.Ready]
		fmt.Fprintln(t, strings.Join([]string{d.Addr, d.PCIID(), dash(d.Model), dash(d.PMD), dash(d.Driver),
			place(d.NUMA), place(d.Group), dash(strings.Join(d.Netdevs, ",")), ready}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err = io.WriteString(w, advice(all))
	return err
}

// advice says how what is not ready becomes so: a line for each, as root.
func advice(all []pci.Device) string {
	var b strings.Builder
	for i := range all {
		if all[i].Advice != "" {
			fmt.Fprintf(&b, "to use %s, as root: %s\n", all[i].Addr, all[i].Advice)
		}
	}
	if b.Len() > 0 {
		b.WriteString("the kernel's interfaces on a device vanish when it is bound: mind the one you came by\n")
	}
	return b.String()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// place writes a NUMA node or a group; -1 is none.
func place(n int) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
