package sock

import (
	"slices"
	"testing"
)

// TestList: who is in is found, who left is not, and nobody enters a shut list.
func TestList(t *testing.T) {
	var l List
	all := make([]*Socket, 5)
	for i := range all {
		all[i] = NewSocket(2, TypeStream, 0, NoOps{})
		if !l.Add(all[i]) {
			t.Fatal("an open list is shut")
		}
	}
	for _, i := range []int{2, 0, 4, 2} { // in the middle, first, last, gone
		l.Remove(all[i])
	}
	if n := l.Len(); n != 2 {
		t.Errorf("%d are there, want 2", n)
	}
	l.Add(all[4])
	if got := l.Shut(); len(got) != 3 || !slices.Contains(got, all[1]) || !slices.Contains(got, all[3]) || !slices.Contains(got, all[4]) {
		t.Errorf("%d are there at the end", len(got))
	}
	if l.Add(all[0]) {
		t.Error("somebody entered a shut list")
	}
	for _, s := range all { // whoever closes one then
		l.Remove(s)
	}
	if l.Len() != 0 {
		t.Error("somebody is left")
	}
}
