package ip

// What is spoken while a router of an older version asks: IGMPv1, IGMPv2, MLDv1. RFC 3376
// 7.2, RFC 3810 8.2: groups without sources, each in a message of its own.

// old reports whether an older version is spoken.
func (t *talker) old() bool { return t.l.now < t.v1Until || t.l.now < t.v2Until }

// forgetChanges drops what only the newest version can say.
func (t *talker) forgetChanges() {
	for _, g := range t.groups {
		g.mode, g.left = 0, nil
		if g.gone {
			delete(t.groups, g.group)
		}
	}
	t.l.cfg.Wheel.Cancel(&t.change)
	t.l.cfg.Wheel.Cancel(&t.all)
}

// oldChange reports that a group was joined or left: RFC 2236 3.
func (t *talker) oldChange(g *listening, joined, gone bool) {
	switch {
	case gone:
		if t.l.now >= t.v1Until && g.last {
			t.sendOld(g, true)
		}
		delete(t.groups, g.group)
	case joined:
		t.sendOld(g, false)
		g.mode = t.robust - 1
		t.arm(&t.change, oldReports)
	}
}

// repeatOld repeats reports, in case the first was lost.
func (t *talker) repeatOld() {
	again := false
	for _, g := range t.sorted() {
		if g.mode > 0 {
			g.mode--
			t.sendOld(g, false)
			again = again || g.mode > 0
		}
	}
	if again {
		t.arm(&t.change, oldReports)
	}
}

// heard notes that another host of the link has reported a group: RFC 2236 3, one is
// enough.
func (t *talker) heard(group Addr) {
	if g := t.groups[group]; g != nil && t.old() {
		t.l.cfg.Wheel.Cancel(&g.timer)
		g.last, g.mode = false, 0
	}
}

// sendOld reports a group, or that we leave it.
func (t *talker) sendOld(g *listening, leave bool) {
	g.last = !leave
	to := g.group
	if t.v6 {
		var head [mldLen]byte
		head[0] = mldReport1
		if leave {
			head[0], to = mldDone, AllRouters
		}
		copy(head[8:], g.group[:])
		t.sendMLD(to, head[:], nil)
		return
	}
	var head [igmpLen]byte
	copy(head[4:], g.group[12:])
	switch {
	case leave:
		head[0], to = igmpLeave, allRouters
	case t.l.now < t.v1Until:
		head[0] = igmpReport1
	default:
		head[0] = igmpReport2
	}
	t.sendIGMP(to, head[:], nil)
}

// closeTalkers stops all that is planned.
func (l *Layer) closeTalkers() {
	for _, t := range l.talkers {
		t.close()
	}
	l.talkers = nil
}
