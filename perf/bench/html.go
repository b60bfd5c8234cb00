package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

//go:embed report.tmpl
var page string

// view is what the page shows.
type view struct {
	*report
	Tally tally
	Goals []goalView
	Views []rowView
}

// goalView is a line of the chart of goals.
type goalView struct {
	Num, Row, Title, Value, Range, Must, Aim, State string
	Class                                           string // ok, aim, missed, none
	Bar                                             template.HTML
}

// rowView is one row's card.
type rowView struct {
	*result
	Class  string
	Lines  []lineView
	Extra  []string // names of the measures behind the fixed columns
	Plot   template.HTML
	Failed bool
}

// lineView is a side in a row's card.
type lineView struct {
	*outcome
	Color                             string
	CPU, Range, Wall, Packets, Allocs string
	Bar                               template.HTML
	Extra                             []string
}

// saveHTML writes the page, which needs no other file.
func (r *report) saveHTML(path string) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"join": strings.Join,
		"date": func(t time.Time) string { return t.Format("2006-01-02 15:04 MST") },
	}).Parse(page)
	if err != nil {
		return err
	}
	v := view{report: r, Tally: r.tally()}
	scale := r.scale()
	for _, res := range r.Rows {
		for i := range res.Goals {
			if g := &res.Goals[i]; g.Measure != "allocs" {
				v.Goals = append(v.Goals, viewGoal(res, g, scale))
			}
		}
		v.Views = append(v.Views, viewRow(res))
	}
	var out strings.Builder
	if err := t.Execute(&out, v); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(out.String()), 0o644)
}

func viewGoal(res *result, g *verdict, top float64) goalView {
	v := goalView{
		Num: res.Num, Row: res.Name, Title: g.title(), State: g.state(), Class: "none",
		Must: g.limit(g.Must), Aim: g.limit(g.Aim),
	}
	if g.Value == nil {
		return v
	}
	v.Value = g.show(g.Value.Median)
	v.Range = g.show(g.Value.Low) + " – " + g.show(g.Value.High)
	v.Class = map[string]string{"ok": "ok", "ok, aim too": "aim", "MISSED": "missed"}[v.State]
	v.Bar = goalBar(g, v.Class, top)
	return v
}

func viewRow(res *result) rowView {
	v := rowView{result: res, Extra: res.extra(), Class: "plain", Failed: res.Error != ""}
	for i := range res.Goals {
		if res.Goals[i].missed() {
			v.Class = "missed"
		}
	}
	most := 0.0
	for _, o := range res.Sides {
		most = max(most, o.Figures["cpu"].High)
	}
	for i, o := range res.Sides {
		l := lineView{outcome: o, Color: color(res, i)}
		text := func(name, format string) string {
			f, ok := o.Figures[name]
			if !ok {
				return "–"
			}
			return fmt.Sprintf(format, f.Median)
		}
		l.CPU, l.Wall = text("cpu", "%.1f"), text("wall", "%.1f")
		l.Packets, l.Allocs = text("packets", "%.2f"), text("allocs", "%.3f")
		if f, ok := o.Figures["cpu"]; ok {
			l.Range = fmt.Sprintf("%.0f – %.0f", f.Low, f.High)
			l.Bar = sideBar(f, most, l.Color)
		}
		for _, name := range v.Extra {
			l.Extra = append(l.Extra, extraText(o, name))
		}
		v.Lines = append(v.Lines, l)
	}
	v.Plot = plot(res)
	return v
}

// extra lists the measures of a row that have no column of their own.
func (res *result) extra() []string {
	names := map[string]bool{}
	for _, o := range res.Sides {
		for name := range o.Figures {
			if !slices.Contains(own, name) {
				names[name] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(names), byName)
}

func extraText(o *outcome, name string) string {
	f, ok := o.Figures[name]
	if !ok {
		return "–"
	}
	if _, latency := nines(name); latency || name == "max" {
		return human(f.Median, "ns")
	}
	return human(f.Median, "")
}

// color tells a plane's sides from its peers at a glance.
func color(res *result, i int) string {
	planes := []string{"#1769aa", "#16a085", "#7b52ab", "#4aa3df", "#0b4f6c"}
	peers := []string{"#d9822b", "#8a8f98", "#b0413e", "#b59f3b", "#5c6370"}
	n := 0
	for _, o := range res.Sides[:i] {
		if o.Plane == res.Sides[i].Plane {
			n++
		}
	}
	if res.Sides[i].Plane {
		return planes[n%len(planes)]
	}
	return peers[n%len(peers)]
}
